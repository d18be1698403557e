//! The provider: everything is asked first, then each thing has its row, with the remedy where it belongs.

use super::finding::{Finding, Report};
use super::trial::{Asker, Heard, Trial};
use crate::cli::exit::CommandError;
use crate::engine::Remote;
use crate::remote::{Client, Disposition, LimitSeen, LimitsSeen, ServerFacts, Structured, Trouble, TroubleKind};
use crate::stages::extract::answer_schema;
use crate::stages::pipeline::Pipeline;
use crate::values::{Choice, listed};

/// Facts about a provider that answers.
pub(super) struct Known {
    pub(super) client: Client,
    /// Way of giving the schema to which it holds.
    pub(super) way: Structured,
}

/// Row of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Server,
    Key,
    Model,
    Structured,
}

impl Row {
    fn of(kind: TroubleKind) -> Self {
        match kind {
            TroubleKind::Key | TroubleKind::Balance | TroubleKind::DailyQuota => Self::Key,
            TroubleKind::NotFound => Self::Model,
            TroubleKind::Unreachable
            | TroubleKind::Unsent
            | TroubleKind::Timeout
            | TroubleKind::Cut
            | TroubleKind::Malformed
            | TroubleKind::Server { .. }
            | TroubleKind::RateLimited
            | TroubleKind::Overloaded => Self::Server,
            TroubleKind::TooLarge | TroubleKind::Refused | TroubleKind::Structured | TroubleKind::BadRequest => {
                Self::Structured
            }
        }
    }
}

/// Asks a provider and tells what was found; what is known of it, if it answers as it should.
///
/// # Errors
/// If nobody reads the lines, or a client cannot be made.
pub(super) async fn ask(
    pipeline: &Pipeline,
    remote: &Remote,
    report: &mut Report,
) -> Result<Option<Known>, CommandError> {
    let client = remote.client(&answer_schema(pipeline, 1))?;
    let server = client.server_facts().await;
    let asker = match Asker::new(pipeline, &client, remote.tier) {
        Ok(asker) => asker,
        Err(words) => {
            report.tell("structured output", Finding::Wrong(words))?;
            return Ok(None);
        }
    };
    let trials = all_ways(&asker).await;
    let last = trials.last().expect("one request is always sent");
    let trouble = match &last.heard {
        Heard::Trouble(trouble) => Some((Row::of(trouble.kind), trouble)),
        Heard::Answer { .. } => None,
    };
    let at = |row: Row| trouble.filter(|(of, _)| *of == row).map(|(_, trouble)| trouble);

    report.tell("endpoint", Finding::Good(remote.endpoint.to_string()))?;
    report.tell("server", server_row(at(Row::Server), &server))?;
    if at(Row::Server).is_some() {
        return Ok(None);
    }
    report.tell("key", key_row(at(Row::Key), remote))?;
    if at(Row::Key).is_some() {
        return Ok(None);
    }
    report.tell("model", model_row(at(Row::Model), remote, &server))?;
    if at(Row::Model).is_some() {
        return Ok(None);
    }
    report.tell("price", price_row(remote))?;
    report.tell("structured output", structured_row(&trials))?;
    report.tell("limits", limits_row(&last.limits, &server, remote))?;
    let way = last.way;
    let is_useful = last.heard.is_whole(1);
    drop(asker);
    Ok(is_useful.then_some(Known { client, way }))
}

/// Requests about one unit, with the schema given in one way after the other until an answer fits it.
async fn all_ways(asker: &Asker<'_>) -> Vec<Trial> {
    let mut trials = Vec::new();
    loop {
        let trial = asker.ask(1, 0).await;
        let another_way = match &trial.heard {
            Heard::Answer { .. } => !trial.heard.is_whole(1),
            Heard::Trouble(trouble) => trouble.disposition() == Disposition::Rephrase,
        };
        let way = trial.way;
        trials.push(trial);
        if !another_way || asker.client.downgrade(way).is_none() {
            return trials;
        }
    }
}

fn wrong(trouble: &Trouble) -> Finding {
    Finding::Wrong(format!("{}; {}", trouble.message, trouble.remedy()))
}

fn server_row(trouble: Option<&Trouble>, server: &ServerFacts) -> Finding {
    match trouble {
        Some(trouble) if trouble.kind == TroubleKind::Overloaded => Finding::Wrong(format!(
            "{}; a server that loads its model is ready in some minutes: run 'corpora doctor' again then",
            trouble.message
        )),
        Some(trouble) if trouble.kind == TroubleKind::Timeout => {
            Finding::Wrong(format!("{}; it is slow, or busy: give it longer with --request-timeout", trouble.message))
        }
        Some(trouble) => wrong(trouble),
        None => Finding::Good(match (server.slots, server.context_size) {
            (None, None) => "it answers".to_owned(),
            (slots, size) => {
                let slots = slots.map(|slots| format!("{slots} at once"));
                let size = size.map(|size| format!("{size} tokens of prompt and answer together"));
                let told: Vec<String> = [slots, size].into_iter().flatten().collect();
                format!("it answers; it tells {}", told.join(", "))
            }
        }),
    }
}

fn key_row(trouble: Option<&Trouble>, remote: &Remote) -> Finding {
    match (trouble, &remote.key) {
        (Some(trouble), _) => wrong(trouble),
        (None, Some(_)) => Finding::Good("it is taken".into()),
        (None, None) => Finding::Good("none is set, and none is needed for an address of this machine".into()),
    }
}

fn model_row(trouble: Option<&Trouble>, remote: &Remote, server: &ServerFacts) -> Finding {
    let model = &remote.dialect.model;
    let listed = server.models_in_words();
    match (trouble, listed) {
        (Some(trouble), Some(models)) => {
            Finding::Wrong(format!("{}; the server has {models}: give one of them to --model", trouble.message))
        }
        (Some(trouble), None) => wrong(trouble),
        (None, Some(models)) if !server.models.contains(model) => Finding::Odd(format!(
            "'{model}' is not among the models that the server lists ({models}), and it answers all the same"
        )),
        (None, _) => Finding::Good(format!("'{model}' is there")),
    }
}

fn price_row(remote: &Remote) -> Finding {
    match &remote.price {
        Some(price) => Finding::Good(format!("known, from {}", price.source)),
        None if remote.endpoint.is_loopback() => Finding::Good("a server on this machine has none".into()),
        None => Finding::Odd(format!(
            "not known for '{}': costs will be 'unknown' and --max-cost is refused; give a table with --prices",
            remote.dialect.model
        )),
    }
}

fn structured_row(trials: &[Trial]) -> Finding {
    let Some((last, before)) = trials.split_last() else { return Finding::Wrong("nothing was asked".into()) };
    let word = |trial: &Trial| format!("'{}'", trial.way.word());
    let ignored: Vec<String> = before.iter().map(word).collect();
    let ignored = listed(&ignored.iter().map(String::as_str).collect::<Vec<_>>(), "and");
    match &last.heard {
        Heard::Trouble(trouble) => wrong(trouble),
        Heard::Answer { complaint: Some(complaint), .. } => Finding::Wrong(format!(
            "the server answered, but not as the schema asks, in whatever way it is given: {complaint}; is this the interface that --provider names? A larger model, or one that is made for structured output, will do better"
        )),
        Heard::Answer { complaint: None, .. } => {
            let fits = format!("{}, and the answer fits the schema, in {} ms", word(last), last.latency.as_millis());
            if before.is_empty() {
                Finding::Good(fits)
            } else {
                Finding::Odd(format!(
                    "{fits}; it does not hold to {ignored}: --structured {} spares a run those requests",
                    last.way.word()
                ))
            }
        }
    }
}

fn limits_row(seen: &LimitsSeen, server: &ServerFacts, remote: &Remote) -> Finding {
    let of = |name: &str, seen: &LimitSeen| Some(format!("{} {name} a minute", seen.limit?));
    let known: Vec<String> = [
        of("requests", &seen.requests),
        of("input tokens", &seen.input),
        of("output tokens", &seen.output),
        of("tokens", &seen.tokens),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (known.is_empty(), server.most_in_flight()) {
        (false, _) => Finding::Good(known.join(", ")),
        (true, Some(most)) => Finding::Good(format!("none but its slots: at most {most} requests will be in flight")),
        (true, None) if remote.endpoint.is_loopback() => Finding::Good(
            "none are told: a run finds out how many requests are good for it; --in-flight says how many at most"
                .into(),
        ),
        (true, None) => {
            Finding::Odd("the headers tell none: give those of your account with --rpm, --itpm and --otpm".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn trial(way: Structured, complaint: Option<&str>) -> Trial {
        let answered = usize::from(complaint.is_none());
        let heard = Heard::Answer { answered, complaint: complaint.map(str::to_owned), output: 9 };
        Trial { way, heard, latency: Duration::from_millis(7), limits: LimitsSeen::default() }
    }

    #[test]
    fn the_way_that_holds_is_told_with_those_that_do_not() {
        let words = |trials: &[Trial]| match structured_row(trials) {
            Finding::Good(words) | Finding::Odd(words) | Finding::Wrong(words) => words,
        };
        let well = [trial(Structured::Schema, None)];
        assert_eq!(structured_row(&well), Finding::Good("'schema', and the answer fits the schema, in 7 ms".into()));
        let later = words(&[trial(Structured::Schema, Some("prose")), trial(Structured::Prompt, None)]);
        assert!(later.contains("does not hold to 'schema': --structured prompt"), "{later}");
        let never = words(&[trial(Structured::Schema, Some("prose")), trial(Structured::Prompt, Some("a poem"))]);
        assert!(never.contains("a poem"), "{never}");
    }

    #[test]
    fn each_trouble_has_the_row_where_its_remedy_belongs() {
        assert_eq!(Row::of(TroubleKind::Key), Row::Key);
        assert_eq!(Row::of(TroubleKind::NotFound), Row::Model);
        assert_eq!(Row::of(TroubleKind::Overloaded), Row::Server);
        assert_eq!(Row::of(TroubleKind::BadRequest), Row::Structured);
        let loading = Trouble::new(TroubleKind::Overloaded, "the provider answered 503: Loading model");
        let Finding::Wrong(words) = server_row(Some(&loading), &ServerFacts::default()) else { panic!() };
        assert!(words.contains("ready in some minutes"), "{words}");
    }
}
