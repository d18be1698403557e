//! Asking a provider the way that per-document mode does: a document's requests one after another, a back-off of one's own, no
//! limiter, nothing kept before the document's end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::{ATTEMPTS, backoff};
use super::contents::Contents;
use super::request::{Ask, prompt};
use super::settle::Policy;
use super::way::{Facts, TierRule};
use crate::engine::attempts::StageError;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::provider::Remote;
use crate::remote::{Attempt, Client, Disposition, Prompt};
use crate::store::{Change, DocId};
use crate::values::{Chunk, Extraction, Failure, FailureKind, ParsedDocument};

/// One worker's way to a provider.
pub(in crate::engine) struct Alone<'a> {
    client: Client,
    tier: TierRule,
    now_unix: fn() -> f64,
    policy: Policy<'a>,
    system: Arc<str>,
    schema: Arc<serde_json::Value>,
    runtime: tokio::runtime::Runtime,
    random: fastrand::Rng,
}

/// Result of asking about one document.
pub(in crate::engine) struct AskedAlone {
    /// Responses that were paid for, to be committed with the document whatever became of it.
    pub(in crate::engine) changes: Vec<Change>,
    /// The document's items and what a person should know of them, or why there are none.
    pub(in crate::engine) outcome: Result<(Extraction, Vec<String>), StageError>,
}

impl<'a> Alone<'a> {
    pub(in crate::engine) fn new(run: &Run<'_>, remote: &'a Remote) -> Result<Self, RunError> {
        let pipeline = &run.pipeline;
        Ok(Self {
            client: remote.client(&pipeline.schema)?,
            // How much is left is not known here.
            tier: TierRule::of(remote, &Facts::new(remote, 0, None)),
            now_unix: remote.now_unix,
            policy: Policy::new(run.question, remote, &pipeline.schema, &pipeline.method)?,
            system: pipeline.prompt.as_str().into(),
            schema: Arc::new(pipeline.schema.clone()),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?,
            random: fastrand::Rng::new(),
        })
    }

    /// Asks about every unit of a document in turn.
    pub(in crate::engine) fn extract(
        &mut self,
        run: &Run<'_>,
        doc: DocId,
        document: &Arc<ParsedDocument>,
        chunks: &Arc<Vec<Chunk>>,
    ) -> AskedAlone {
        let contents = Contents::of(&run.pipeline.method, Arc::clone(document), Arc::clone(chunks));
        let mut changes = Vec::new();
        // One document after another is the way that this program is measured against: it keeps to sentences.
        for units in contents.units.chunks(run.pipeline.units_per_request()) {
            let ask = Ask::new(&run.pipeline, units.to_vec(), doc);
            if let Err(error) = self.ask(run, ask, &mut changes) {
                return AskedAlone { changes, outcome: Err(error) };
            }
        }
        let outcome = contents.answered_by(&changes).map(|answers| contents.assemble(&run.pipeline.method, &answers));
        AskedAlone { changes, outcome: outcome.map_err(StageError::from) }
    }

    /// Asks until every unit of a request is answered, or one is given up.
    fn ask(&mut self, run: &Run<'_>, ask: Ask, changes: &mut Vec<Change>) -> Result<(), StageError> {
        let mut failures = 0;
        let mut left = VecDeque::from([ask]);
        while let Some(mut ask) = left.pop_front() {
            let tier = self.tier.at((self.now_unix)(), 0);
            let prompt = Prompt { tier, ..prompt(&run.pipeline, &self.system, &self.schema, &ask) };
            let attempt = self.runtime.block_on(self.client.send(&prompt));
            match attempt.result {
                Ok(answered) => {
                    let latency_ms = i64::try_from(attempt.latency.as_millis()).unwrap_or(i64::MAX);
                    let facts = ask.facts(run, &self.client.dialect().model, attempt.request_id, latency_ms);
                    let id = run.new_response();
                    let settlement = self.policy.settle(id, &facts, &answered.body);
                    changes.push(self.policy.keep(id, &facts, &answered.body));
                    left.extend(ask.again(&run.pipeline, &settlement));
                    let given_up = settlement.changes.iter().find_map(|change| match change {
                        Change::UnitFailed { failure, .. } => Some(failure.clone()),
                        _ => None,
                    });
                    changes.extend(settlement.changes);
                    if let Some(failure) = given_up {
                        return Err(failure.into());
                    }
                }
                Err(_) => {
                    failures += 1;
                    let pause = self.after_trouble(&mut ask, failures, attempt)?;
                    std::thread::sleep(pause);
                    left.push_front(ask);
                }
            }
        }
        Ok(())
    }

    /// The time to wait before a request goes out again.
    fn after_trouble(&mut self, ask: &mut Ask, failures: u32, attempt: Attempt) -> Result<Duration, StageError> {
        let Err(trouble) = attempt.result else { return Ok(Duration::ZERO) };
        let failure = || Failure::new(FailureKind::Provider, trouble.message.clone());
        let after = match trouble.disposition() {
            Disposition::Retry { after, everybody } => {
                ask.attempts += u32::from(!everybody);
                if ask.attempts >= ATTEMPTS {
                    return Err(failure().into());
                }
                after
            }
            Disposition::Rephrase if self.client.downgrade(attempt.structured).is_some() => Some(Duration::ZERO),
            Disposition::AbortRun => {
                let message = format!("{}; {}", trouble.message, trouble.remedy());
                return Err(StageError::Run(RunError::Provider(message)));
            }
            Disposition::Split | Disposition::Rephrase | Disposition::FailUnit => return Err(failure().into()),
        };
        Ok(backoff(failures, after, self.random.f64()))
    }
}
