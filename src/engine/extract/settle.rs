//! Meaning of a response: what it changes in the store, and what is asked again. Every way of asking comes through here (live,
//! probe, responses found unread, results of a batch, per-document mode), so that one body means one thing and costs one sum.

use super::backoff::{ATTEMPTS, BAD_ANSWER_COSTS};
use crate::engine::attempts::panic_words;
use crate::engine::error::RunError;
use crate::engine::provider::Remote;
use crate::remote::{Content, Dialect, Finish, Reply};
use crate::stages::extract::{self, AnswerSchema, AskedUnits, Heard, Said, UnitResult};
use crate::stages::pipeline::Method;
use crate::store::{self, Change, DocId, FpId, Generation, ResponseId, StoredResponse};
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
    /// Attempt budget that the units of the request have used by now.
    pub(super) spent: u32,
    /// Kind of the response, in a word.
    pub(super) outcome: &'static str,
    /// Tokens, if it told them.
    pub(super) usage: Option<Usage>,
    /// Cost, if the price is known.
    pub(super) cost: Option<Cost>,
}

impl<'a> Policy<'a> {
    /// The policy of a run's question.
    ///
    /// # Errors
    /// If the pipeline's schema cannot be used.
    pub(super) fn new(
        question: FpId,
        remote: &'a Remote,
        schema: &serde_json::Value,
        method: &Method,
    ) -> Result<Self, RunError> {
        let schema = AnswerSchema::new(schema).map_err(RunError::Provider)?;
        Ok(Self { question, remote, schema, are_terms: method.names_units() })
    }

    /// The change that keeps a response as it came, before anybody reads it.
    pub(super) fn keep(&self, id: ResponseId, facts: &RequestFacts, body: &[u8]) -> Change {
        Change::Response(Box::new(StoredResponse {
            id,
            question: self.question,
            doc: facts.doc,
            units: facts.units.clone(),
            generation: facts.generation,
            attempt: facts.spent + 1,
            model: facts.model.clone(),
            request_id: facts.request_id.clone(),
            estimate: facts.estimate,
            latency_ms: facts.latency_ms,
            raw: store::compress(body),
        }))
    }

    /// The meaning of response `id`. `in_batch` says which of the vendor's prices it has.
    pub(super) fn settle(&self, id: ResponseId, facts: &RequestFacts, body: &[u8], in_batch: bool) -> Settlement {
        let units = if self.are_terms { AskedUnits::Terms(&facts.units) } else { AskedUnits::Passage };
        let Reading { usage, results, outcome } = read(&self.remote.dialect, &self.schema, body, units);
        let billed = usage.unwrap_or(facts.estimate);
        let cost = self.remote.price.as_ref().map(|price| price.cost(&billed, in_batch));
        let spent = facts.spent + BAD_ANSWER_COSTS;
        let mut settlement = Settlement {
            changes: vec![Change::Read { id, outcome, usage, cost }],
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

/// A response that was looked into.
#[derive(Debug)]
pub struct Reading {
    /// Tokens, if it told them.
    pub usage: Option<Usage>,
    /// Meaning for each unit, in order.
    pub results: Vec<UnitResult>,
    /// Kind of the response, in a word.
    pub outcome: &'static str,
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
            let usage = reply.usage;
            Reading { usage, results: extract::interpret(&heard(reply), schema, units), outcome }
        }
        Err(words) => {
            Reading { usage: None, results: all_again(units.len(), FailureKind::Provider, words), outcome: "malformed" }
        }
    };
    // A response that trips us up must not take the run with it; it is kept, and read again by a better version.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        let words = format!("corpora itself failed on this response ({}); please report it", panic_words(&*panic));
        Reading { usage: None, results: all_again(units.len(), FailureKind::Internal, words), outcome: "unreadable" }
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
