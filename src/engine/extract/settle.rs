//! Meaning of a response: what it changes in the store, and what is asked again. Every way of asking comes through here (live,
//! probe, responses found unread, results of a batch, per-document mode), so that one body means one thing and costs one sum.

use super::backoff::{ATTEMPTS, BAD_ANSWER_COSTS};
use crate::engine::attempts::panic_words;
use crate::engine::error::RunError;
use crate::engine::provider::Remote;
use crate::remote::{Content, Dialect, Finish, Reply, ServiceTier, Tariff, UseOf};
use crate::stages::extract::{self, AnswerSchema, AskedUnits, Heard, Said, UnitResult};
use crate::stages::pipeline::Pipeline;
use crate::store::{self, BatchId, Change, DocId, FpId, Generation, ResponseId, StoredResponse};
use crate::values::{Cost, Failure, FailureKind, Fingerprint, Usage};

/// Facts of a request that the meaning of its response depends on, or that the ledger keeps of it.
#[derive(Debug, Clone)]
pub(super) struct RequestFacts {
    /// The document that asked first.
    pub(super) doc: DocId,
    /// Content keys of the units asked about, in order.
    pub(super) units: Vec<Fingerprint>,
    /// Generation of the answers.
    pub(super) generation: Generation,
    /// Attempt budget that the units had used before this request.
    pub(super) spent: u32,
    /// Estimated tokens, for the ledger where the provider tells none.
    pub(super) estimate: Usage,
    /// The model that was asked for.
    pub(super) model: String,
    /// The provider's name for the request, or for its batch.
    pub(super) request_id: Option<String>,
    /// Milliseconds from sending to the last byte; 0 where that says nothing.
    pub(super) latency_ms: i64,
    /// Batch that the response comes with; none if it comes live. It decides which of the vendor's prices the response has.
    pub(super) batch: Option<BatchId>,
}

/// Estimated tokens of a response whose provider tells none: the prompt as it was estimated, and half of the output budget.
pub(super) fn estimate(input: u64, max_output: u32) -> Usage {
    Usage { input, output: u64::from(max_output) / 2, ..Usage::default() }
}

/// Everything that responses to one question are read with.
pub(super) struct Policy<'a> {
    question: FpId,
    remote: &'a Remote,
    schema: AnswerSchema,
    /// True if units are terms, each with a name in the answer; else each request has one passage.
    are_terms: bool,
}

/// Meaning of one response.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    /// Changes for the store, in one transaction. The response itself was stored before.
    pub(super) changes: Vec<Change>,
    /// Units that are answered or given up.
    pub(super) settled: Vec<Fingerprint>,
    /// Places in the request of the units that have to be asked again.
    pub(super) again: Vec<usize>,
    /// Reason for which the last of these has to be asked again.
    pub(super) reason: Option<Failure>,
    /// True if more room for the answer may help them.
    pub(super) more_output: bool,
    /// Tokens of thought in it.
    pub(super) thoughts: u64,
    /// True if thoughts left no room for a word of the answer.
    pub(super) eaten: bool,
    /// Attempt budget that the units of the request have used by now.
    pub(super) spent: u32,
    /// Kind of the response, in a word.
    pub(super) outcome: &'static str,
    /// Tokens, if it told them.
    pub(super) usage: Option<Usage>,
    /// Cost, if the price is known.
    pub(super) cost: Option<Cost>,
}

/// The change that keeps a response to a question as it came; `cost` stands in the ledger until it is read.
pub(super) fn keep(question: FpId, id: ResponseId, facts: &RequestFacts, cost: Option<Cost>, body: &[u8]) -> Change {
    Change::Response(Box::new(StoredResponse {
        id,
        question,
        doc: facts.doc,
        units: facts.units.clone(),
        generation: facts.generation,
        attempt: facts.spent + 1,
        model: facts.model.clone(),
        request_id: facts.request_id.clone(),
        batch: facts.batch,
        estimate: facts.estimate,
        cost,
        latency_ms: facts.latency_ms,
        raw: store::compress(body),
    }))
}

/// Tariff of a response. What served it is paid for, whatever was asked for; where it does not say, it is the dearer.
fn tariff(facts: &RequestFacts, served: Option<ServiceTier>) -> Tariff {
    match facts.batch {
        Some(_) => Tariff::Batch,
        None => Tariff::Live(served.unwrap_or_default()),
    }
}

impl<'a> Policy<'a> {
    /// The policy of a run's question.
    ///
    /// # Errors
    /// If the pipeline's schema cannot be used.
    pub(super) fn new(question: FpId, remote: &'a Remote, pipeline: &Pipeline) -> Result<Self, RunError> {
        let schema = AnswerSchema::of(pipeline).map_err(RunError::Provider)?;
        Ok(Self { question, remote, schema, are_terms: pipeline.method.names_units() })
    }

    /// The change that keeps a response as it came, before anybody reads it.
    pub(super) fn keep(&self, id: ResponseId, facts: &RequestFacts, body: &[u8]) -> Change {
        let price = self.remote.price.as_ref();
        keep(self.question, id, facts, price.map(|p| p.cost(&facts.estimate, tariff(facts, None))), body)
    }

    /// The meaning of response `id`.
    pub(super) fn settle(&self, id: ResponseId, facts: &RequestFacts, body: &[u8]) -> Settlement {
        let units = if self.are_terms { AskedUnits::Terms(&facts.units) } else { AskedUnits::Passage };
        let Reading { usage, results, outcome, model, thoughts, eaten, tier } =
            read(&self.remote.dialect, &self.schema, body, units);
        let billed = usage.unwrap_or(facts.estimate);
        let cost = self.remote.price.as_ref().map(|price| price.cost(&billed, tariff(facts, tier)));
        let spent = facts.spent + BAD_ANSWER_COSTS;
        let mut settlement = Settlement {
            changes: vec![Change::Read { id, outcome, usage, cost, answered_by: model }],
            thoughts,
            eaten,
            spent,
            outcome,
            usage,
            cost,
            ..Settlement::default()
        };
        for (place, (&unit, result)) in facts.units.iter().zip(results).enumerate() {
            let (question, generation) = (self.question, facts.generation);
            let change = match result {
                UnitResult::Again { reason, more_output, .. } if spent < ATTEMPTS => {
                    settlement.again.push(place);
                    settlement.reason = Some(reason);
                    settlement.more_output |= more_output;
                    let raised = more_output && facts.units.len() == 1;
                    settlement.changes.push(Change::UnitTried { question, unit, attempts: spent, raised });
                    continue;
                }
                UnitResult::Answered(answer) | UnitResult::Again { salvage: Some(answer), .. } => {
                    let answer = store::encode(&answer);
                    Change::Answer { question, unit, generation, answer, response: Some(id) }
                }
                UnitResult::Again { reason: failure, .. } | UnitResult::Failed(failure) => {
                    Change::UnitFailed { question, unit, generation, attempts: spent.min(ATTEMPTS), failure }
                }
            };
            settlement.settled.push(unit);
            settlement.changes.push(change);
        }
        settlement
    }
}

impl Settlement {
    /// Use that could be made of the response. `more_room` says that thoughts ate it, and that the next has more room for them; an answer that
    /// broke off is asked for again with more, too.
    pub(super) fn use_of(&self, more_room: bool) -> UseOf {
        match &self.reason {
            Some(reason) if self.settled.is_empty() && !more_room && !self.more_output => {
                UseOf::None { example: format!("{} (the answer ended: {})", reason.message, self.outcome) }
            }
            Some(_) if self.settled.is_empty() => UseOf::MoreRoom,
            _ => UseOf::Some,
        }
    }
}

/// A response that was looked into.
#[derive(Debug)]
pub struct Reading {
    /// Tokens, if it told them.
    pub usage: Option<Usage>,
    /// Meaning for each unit, in order.
    pub results: Vec<UnitResult>,
    /// Kind of the response, in a word.
    pub outcome: &'static str,
    /// The model that answered, by its own name.
    pub model: Option<String>,
    /// Tokens of thought.
    pub thoughts: u64,
    /// True if thoughts left no room for a word of the answer.
    pub eaten: bool,
    /// Tier of service that made it, where the response tells it.
    pub tier: Option<ServiceTier>,
}

/// The reading of a response to a request about `units`.
pub fn read(dialect: &Dialect, schema: &AnswerSchema, body: &[u8], units: AskedUnits<'_>) -> Reading {
    let attempt = || match dialect.reply(body) {
        Ok(reply) => {
            let outcome = match reply.finish {
                Finish::Complete => "complete",
                Finish::Truncated => "truncated",
                Finish::Refused(_) => "refused",
                Finish::WindowExceeded => "window exceeded",
                Finish::Other(_) => "other",
            };
            let (usage, model, thoughts, tier) = (reply.usage, reply.model.clone(), reply.thoughts, reply.tier);
            let eaten = reply.finish == Finish::Truncated && reply.content.is_none() && thoughts > 0;
            let results = extract::interpret(&heard(reply), schema, units);
            Reading { usage, results, outcome, model, thoughts, eaten, tier }
        }
        Err(words) => {
            let results = all_again(units.len(), FailureKind::Provider, words);
            Reading { usage: None, results, outcome: "malformed", model: None, thoughts: 0, eaten: false, tier: None }
        }
    };
    // A response that trips us up must not take the run with it; it is kept, and read again by a better version.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        let words = format!("corpora itself failed on this response ({}); please report it", panic_words(&*panic));
        let results = all_again(units.len(), FailureKind::Internal, words);
        Reading { usage: None, results, outcome: "unreadable", model: None, thoughts: 0, eaten: false, tier: None }
    })
}

fn all_again(units: usize, kind: FailureKind, words: String) -> Vec<UnitResult> {
    vec![UnitResult::Again { reason: Failure::new(kind, words), salvage: None, more_output: false }; units]
}

fn heard(reply: Reply) -> Heard {
    Heard {
        said: match reply.content {
            Some(Content::Text(text)) => Said::Text(text),
            Some(Content::Json(value)) => Said::Json(value),
            None => Said::Nothing,
        },
        truncated: reply.finish == Finish::Truncated,
        refused: if let Finish::Refused(word) = &reply.finish { Some(word.clone()) } else { None },
        too_large: reply.finish == Finish::WindowExceeded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::provider::EndpointKind;
    use crate::remote::{ANTHROPIC, Endpoint, OPENAI_CHAT, Prices, Rates};
    use crate::stages::extract::{ContextChoice, local, term_key};
    use crate::values::Usage;
    use serde_json::{Value, json};
    use std::time::Duration;

    const MODEL: &str = "claude-haiku-4-5";

    fn remote() -> Remote {
        let day = jiff::civil::date(2026, 11, 26);
        Remote {
            endpoint: Endpoint::new("http://127.0.0.1:9", false).unwrap(),
            dialect: Dialect::new(ANTHROPIC, MODEL, "1", false),
            key: None,
            rates: Rates::default(),
            most_in_flight: 1,
            timeout: Duration::from_secs(1),
            between_tokens: None,
            structured: None,
            patience: Duration::from_secs(1),
            max_cost: None,
            price: Prices::builtin().of(MODEL, day).cloned(),
            tier: ServiceTier::Standard,
            overlap: false,
            context: ContextChoice::default(),
            batch: crate::engine::BatchOptions::new(ANTHROPIC.batch_limits()),
            endpoint_kind: EndpointKind::Live,
            now_unix: || 0.0,
        }
    }

    fn schema() -> Value {
        json!({"type": "object", "required": ["items"], "additionalProperties": false, "properties": {"items": {"type": "array",
            "items": {"type": "object", "required": ["text"], "additionalProperties": false, "properties": {"text": {"type": "string"}}}}}})
    }

    /// A response of the vendor: its text, why it stopped, and whether it tells its tokens.
    fn body(text: &str, stop: &str, tells: bool) -> Vec<u8> {
        let mut body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL,
            "content": [{"type": "text", "text": text}], "stop_reason": stop});
        if tells {
            body["usage"] = json!({"input_tokens": 50, "output_tokens": 20});
        }
        body.to_string().into_bytes()
    }

    fn bodies() -> Vec<Vec<u8>> {
        let good = r#"{"items": [{"text": "wyrm"}, {"text": "salt lantern"}]}"#;
        vec![
            body(good, "end_turn", true),
            body(good, "end_turn", false),
            body(r#"{"items": [{"text": "wyrm"}, {"te"#, "max_tokens", true),
            body("", "refusal", true),
            body("I would rather not.", "end_turn", true),
            b"<html>502</html>".to_vec(),
            Vec::new(),
        ]
    }

    fn facts(units: &[&str], spent: u32) -> RequestFacts {
        RequestFacts {
            doc: DocId(1),
            units: units.iter().map(|unit| term_key(&local::key_form(unit))).collect(),
            generation: Generation(3),
            spent,
            estimate: estimate(100, 1000),
            model: MODEL.into(),
            request_id: None,
            latency_ms: 0,
            batch: None,
        }
    }

    #[test]
    fn one_body_has_one_meaning_and_half_the_cost_in_a_batch() {
        let remote = remote();
        for are_terms in [true, false] {
            let schema = AnswerSchema::of_list(&schema()).unwrap();
            let policy = Policy { question: FpId(7), remote: &remote, schema, are_terms };
            let units: &[&str] = if are_terms { &["wyrm", "salt lantern"] } else { &["a passage"] };
            for (body, spent) in bodies().iter().flat_map(|body| [(body, 0), (body, 6)]) {
                let facts = facts(units, spent);
                let live = policy.settle(ResponseId(1), &facts, body);
                let batch = policy.settle(ResponseId(1), &RequestFacts { batch: Some(BatchId(1)), ..facts }, body);
                let meaning =
                    |s: &Settlement| format!("{:?} {:?} {:?} {:?}", &s.changes[1..], s.settled, s.again, s.usage);
                assert_eq!(meaning(&live), meaning(&batch));
                assert_eq!(live.cost.map(|c| c.0), batch.cost.map(|c| 2 * c.0));
                let every_unit = live.settled.len() + live.again.len();
                assert_eq!(every_unit, units.len(), "each unit is settled or asked again");
                assert!(spent == 0 || live.again.is_empty(), "with the last attempt a unit is settled");
            }
        }
    }

    #[test]
    fn what_served_a_response_is_what_it_costs() {
        let day = jiff::civil::date(2026, 11, 26);
        let price = Prices::builtin().of("gpt-6-sol", day).cloned();
        let remote = Remote { dialect: Dialect::new(OPENAI_CHAT, "gpt-6-sol", "", true), price, ..remote() };
        let policy = Policy {
            question: FpId(7),
            remote: &remote,
            schema: AnswerSchema::of_list(&schema()).unwrap(),
            are_terms: true,
        };
        let cost = |tier: Option<&str>| {
            let body = json!({"choices": [{"finish_reason": "stop", "message": {"content": "{}"}}], "service_tier": tier,
                "usage": {"prompt_tokens": 1_000, "completion_tokens": 1_000}});
            let settled = policy.settle(ResponseId(1), &facts(&["wyrm"], 0), body.to_string().as_bytes());
            settled.cost.unwrap().dollars()
        };
        assert_eq!(cost(Some("flex")), 0.006);
        for served in [Some("default"), Some("priority"), None] {
            assert_eq!(cost(served), 0.012, "{served:?}: never less than the bill");
        }
    }

    #[test]
    fn a_response_without_tokens_costs_its_prompt_and_half_of_its_output_budget() {
        let remote = remote();
        let schema = AnswerSchema::of_list(&schema()).unwrap();
        let policy = Policy { question: FpId(7), remote: &remote, schema, are_terms: true };
        let settled = policy.settle(ResponseId(1), &facts(&["wyrm"], 0), &body("{}", "end_turn", false));
        let guess = Usage { input: 100, output: 500, ..Usage::default() };
        assert_eq!((settled.usage, settled.cost), (None, remote.cost(&guess)));
        assert!(settled.cost.is_some(), "the price of the model is known");
    }

    #[test]
    fn terms_of_an_answer_that_broke_off_are_kept_without_knowing_their_names() {
        let remote = remote();
        let schema = AnswerSchema::of_list(&schema()).unwrap();
        let policy = Policy { question: FpId(7), remote: &remote, schema, are_terms: true };
        let cut = body(r#"{"items": [{"text": "Wyrm"}, {"te"#, "max_tokens", true);
        let settled = policy.settle(ResponseId(1), &facts(&["salt lantern", "wyrm"], 0), &cut);
        assert_eq!((settled.settled.len(), settled.again, settled.more_output), (1, vec![0], true));
    }
}
