//! `corpora doctor [DIR]`: tries what a run needs, one thing after another, and goes on where something is wrong.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::args::DoctorArgs;
use super::exit::{CommandError, Exit};
use super::screen;
use crate::engine::{Remote, read_response};
use crate::remote::{Attempt, Client, LimitSeen, Prompt};
use crate::settings::{Origin, Sources};
use crate::stages::extract::local::canonical_form;
use crate::stages::extract::{AnswerSchema, AskedUnits, Phrasing, Unit, UnitResult, answer_schema, term_key};
use crate::stages::pipeline::Pipeline;
use crate::store::{STORE_FOLDER, Store, StoreError};
use crate::values::Shown;

/// Finding about one thing.
enum Finding {
    Good(String),
    /// Worth knowing, wrong only for some.
    Odd(String),
    Wrong(String),
}

/// Below this much free space a run is in danger.
const LITTLE_SPACE: u64 = 1 << 30;

/// Tries everything and prints a line for each.
pub(super) fn run(args: &DoctorArgs, sources: &Sources) -> Result<Exit, CommandError> {
    let mut out = screen::out();
    let mut wrong = 0;
    let mut tell = |what: &str, finding: Finding| -> std::io::Result<()> {
        let (mark, words) = match finding {
            Finding::Good(words) => ("ok   ", words),
            Finding::Odd(words) => ("note ", words),
            Finding::Wrong(words) => {
                wrong += 1;
                ("WRONG", words)
            }
        };
        writeln!(out, "{mark}  {what:<18} {}", Shown(&words))
    };
    let folder = args.dir.as_deref().unwrap_or(Path::new("."));
    // A folder that the settings name is made by the first run.
    let typed = sources.origin("output") == Origin::Line;
    let there = folder.ancestors().find(|folder| typed || folder.is_dir());
    tell("disk", disk(there.unwrap_or(Path::new("."))))?;
    if let Some(dir) = &args.dir {
        tell("store", store(dir))?;
    }
    tell("ocr", ocr())?;
    match args.pipeline.resolve() {
        Err(error) => tell("pipeline", Finding::Wrong(error.to_string()))?,
        Ok(pipeline) => {
            tell("pipeline", Finding::Good(format!("{}: {}", pipeline.name, pipeline.description)))?;
            match args.remote.resolve(pipeline, &args.provider, None, sources) {
                Err(error) => tell("provider", Finding::Wrong(error.to_string()))?,
                Ok((_, None)) => tell("provider", Finding::Good("local: no key, no network, nothing to pay".into()))?,
                Ok((pipeline, Some(remote))) => ask(&pipeline, &remote, &mut tell)?,
            }
        }
    }
    Ok(if wrong == 0 { Exit::Done } else { Exit::BadInput })
}

fn disk(folder: &Path) -> Finding {
    match rustix::fs::statvfs(folder) {
        Err(e) => Finding::Wrong(format!("'{}' cannot be looked at: {e}; give a folder that exists", folder.display())),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let words = format!("{:.1} GiB free at '{}'", free as f64 / f64::from(1 << 30), folder.display());
            if free < LITTLE_SPACE {
                Finding::Wrong(format!("{words}; make room: a store takes about a third of the text it holds"))
            } else {
                Finding::Good(words)
            }
        }
    }
}

fn store(dir: &Path) -> Finding {
    let checked = Store::open_existing(dir).and_then(|store| store.check_integrity());
    match checked {
        Ok(()) => Finding::Good(format!("'{}' is sound", dir.join(STORE_FOLDER).display())),
        Err(error @ StoreError::Missing { .. }) => Finding::Odd(error.to_string()),
        Err(error) => Finding::Wrong(error.to_string()),
    }
}

/// Means to read pages without text by optical character recognition.
fn ocr() -> Finding {
    let asked = |option| {
        let output = std::process::Command::new("tesseract").arg(option).output()?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    match (asked("--version"), asked("--list-langs")) {
        (Ok(version), Ok(listed)) => {
            let languages: Vec<&str> = listed.lines().filter(|line| !line.contains(' ')).collect();
            let version = version.lines().next().unwrap_or("tesseract").to_owned();
            Finding::Good(format!("{version} for {}", languages.join(", ")))
        }
        _ => Finding::Odd(
            "no tesseract on the path: pages that are pictures are told of, not read; install it (Debian, Ubuntu: apt-get install tesseract-ocr)".into(),
        ),
    }
}

fn ask(
    pipeline: &Pipeline,
    remote: &Remote,
    tell: &mut impl FnMut(&str, Finding) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    let key = match &remote.key {
        Some(_) => "a key is set",
        None => "no key is set, and none is needed for an address of this machine",
    };
    tell("key", Finding::Good(key.into()))?;
    tell("endpoint", Finding::Good(remote.endpoint.to_string()))?;
    tell(
        "price",
        match &remote.price {
            Some(price) => Finding::Good(format!("known, from {}", price.source)),
            None => Finding::Odd(format!(
                "not known for '{}': costs will be 'unknown' and --max-cost is refused; give a table with --prices",
                remote.dialect.model
            )),
        },
    )?;
    let client = remote.client(&answer_schema(pipeline, 1))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let looked_up = runtime.block_on(client.look_up_model());
    tell(
        "model",
        match looked_up.result {
            Ok(_) => Finding::Good(format!("'{}' is there", remote.dialect.model)),
            Err(trouble) => Finding::Odd(format!("asking about it: {}; the request below decides", trouble.message)),
        },
    )?;
    let (attempt, finding) = runtime.block_on(tiny(pipeline, remote, &client));
    tell("structured output", finding)?;
    tell("limits", limits(&attempt))?;
    Ok(())
}

/// One request about a sentence, phrased in the next way if the server does not know the first.
async fn tiny(pipeline: &Pipeline, remote: &Remote, client: &Client) -> (Attempt, Finding) {
    let sentence: Arc<str> = "A lantern is a lamp that is carried by hand.".into();
    let name = pipeline.method.names_units().then(|| "lantern".to_owned());
    let phrasing = Phrasing::new(pipeline);
    let prompt = Prompt {
        user: phrasing.told(&[Unit { name, text: sentence, ..Unit::default() }]),
        schema: phrasing.schema(1),
        system: phrasing.instructions,
        schema_name: "doctor".into(),
        max_output_tokens: pipeline.provider.max_output_tokens.min(2_000),
        tier: remote.tier,
    };
    loop {
        let attempt = client.send(&prompt).await;
        let finding = match &attempt.result {
            Err(trouble) => {
                let rephrased = trouble.disposition() == crate::remote::Disposition::Rephrase;
                if rephrased && client.downgrade(attempt.structured).is_some() {
                    continue;
                }
                Finding::Wrong(format!("{}; {}", trouble.message, trouble.remedy()))
            }
            Ok(answered) => judged(pipeline, client, &answered.body, attempt.latency.as_millis()),
        };
        return (attempt, finding);
    }
}

fn judged(pipeline: &Pipeline, client: &Client, body: &[u8], millis: u128) -> Finding {
    let schema = match AnswerSchema::of(pipeline) {
        Ok(schema) => schema,
        Err(words) => return Finding::Wrong(words),
    };
    let terms = [term_key(&canonical_form("lantern"))];
    let units = if pipeline.method.names_units() { AskedUnits::Terms(&terms) } else { AskedUnits::Passage };
    match read_response(client.dialect(), &schema, body, units).results.remove(0) {
        UnitResult::Answered(_) => {
            Finding::Good(format!("{:?}, and the answer fits the schema, in {millis} ms", client.structured()))
        }
        UnitResult::Again { reason, .. } | UnitResult::Failed(reason) => Finding::Wrong(format!(
            "the server answered, but not as the schema asks: {}; is this the interface that --provider names? A larger model, or one that is made for structured output, will do better",
            reason.message
        )),
    }
}

fn limits(attempt: &Attempt) -> Finding {
    let seen = &attempt.limits;
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
    if known.is_empty() {
        Finding::Odd("the headers tell none: give those of your account with --rpm, --itpm and --otpm".into())
    } else {
        Finding::Good(known.join(", "))
    }
}
