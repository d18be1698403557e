//! Asking a provider the way that per-document mode does: a document's requests one after another, a back-off of one's own, no
//! limiter, nothing kept before the document's end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::RunError;
use super::documents::{Extracted, Trouble};
use super::live::{ATTEMPTS, Ask, BAD_ANSWER_COSTS, Contents, Remote, backoff, prompt, read};
use super::run::Run;
use crate::remote::{Client, Disposition};
use crate::stages::extract::{AnswerSchema, UnitAnswer, UnitResult};
use crate::store::{self, Change, DocId, StoredResponse};
use crate::values::{Chunk, Failure, FailureKind, ParsedDocument, Usage};

/// One worker's way to a provider.
pub(super) struct Alone {
    client: Client,
    remote: Remote,
    schema: AnswerSchema,
    system: Arc<str>,
    schema_value: Arc<serde_json::Value>,
    runtime: tokio::runtime::Runtime,
    random: fastrand::Rng,
}

impl Alone {
    pub(super) fn new(run: &Run<'_>, remote: &Remote) -> Result<Self, RunError> {
        Ok(Self {
            client: remote.client(&run.pipeline.schema)?,
            remote: remote.clone(),
            schema: AnswerSchema::new(&run.pipeline.schema).map_err(RunError::Provider)?,
            system: run.pipeline.prompt.as_str().into(),
            schema_value: Arc::new(run.pipeline.schema.clone()),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?,
            random: fastrand::Rng::new(),
        })
    }

    /// Asks about every unit of a document in turn.
    pub(super) fn extract(
        &mut self,
        run: &Run<'_>,
        doc: DocId,
        document: &ParsedDocument,
        chunks: &[Chunk],
    ) -> Result<Extracted, Trouble> {
        let contents = Contents::of(&run.pipeline.method, document.clone(), chunks.to_vec());
        let size = super::per_request(&run.pipeline);
        let mut changes = Vec::new();
        let mut answers = Vec::with_capacity(contents.units.len());
        // One document after another is the way that this program is measured against: it keeps to sentences.
        for units in contents.units.chunks(size) {
            let ask = Ask::new(&run.pipeline, units.to_vec(), doc);
            answers.extend(self.ask(run, &ask, &mut changes)?);
        }
        let (extraction, notes) = contents.assemble(&run.pipeline.method, &answers);
        Ok(Extracted { extraction, answers: changes, notes })
    }

    /// Asks until every unit of a request is answered.
    fn ask(&mut self, run: &Run<'_>, ask: &Ask, changes: &mut Vec<Change>) -> Result<Vec<UnitAnswer>, Trouble> {
        let names: Vec<Option<&str>> = ask.units.iter().map(|u| u.name.as_deref()).collect();
        let mut spent = 0;
        let mut failures = 0;
        let mut last = Failure::new(FailureKind::Provider, "the provider was not asked");
        while spent < ATTEMPTS {
            let attempt =
                self.runtime.block_on(self.client.send(&prompt(&run.pipeline, &self.system, &self.schema_value, ask)));
            let trouble = match attempt.result {
                Err(trouble) => trouble,
                Ok(answered) => {
                    spent += BAD_ANSWER_COSTS;
                    let reading = read(&self.remote.dialect, &self.schema, &answered.body, &names);
                    let estimate =
                        Usage { input: ask.input_estimate, output: ask.max_output.into(), ..Usage::default() };
                    let id = run.next_response.fetch_add(1, Ordering::Relaxed);
                    changes.push(Change::Response(Box::new(StoredResponse {
                        id,
                        question: run.question,
                        doc: ask.doc,
                        units: ask.units.iter().map(|u| u.key).collect(),
                        generation: run.generation,
                        attempt: spent,
                        model: self.remote.dialect.model.clone(),
                        request_id: attempt.request_id,
                        estimate,
                        latency_ms: i64::try_from(attempt.latency.as_millis()).unwrap_or(i64::MAX),
                        raw: store::compress(&answered.body),
                    })));
                    let cost = self.remote.cost(&reading.usage.unwrap_or(estimate));
                    changes.push(Change::Read { id, outcome: reading.outcome, usage: reading.usage, cost });
                    let mut answers = Vec::with_capacity(ask.units.len());
                    for result in reading.results {
                        match result {
                            UnitResult::Answered(answer) => answers.push(answer),
                            UnitResult::Again { salvage: Some(answer), .. } if spent >= ATTEMPTS => {
                                answers.push(answer);
                            }
                            UnitResult::Again { reason, .. } => last = reason,
                            UnitResult::Failed(failure) => return Err(failure.into()),
                        }
                    }
                    if answers.len() == ask.units.len() {
                        changes.extend(ask.units.iter().zip(&answers).map(|(unit, answer)| Change::Answer {
                            question: run.question,
                            unit: unit.key,
                            generation: run.generation,
                            answer: store::encode(answer),
                            response: Some(id),
                        }));
                        return Ok(answers);
                    }
                    continue;
                }
            };
            last = Failure::new(FailureKind::Provider, trouble.message.clone());
            failures += 1;
            let after = match trouble.disposition() {
                Disposition::Retry { after, everybody } => {
                    spent += u32::from(!everybody);
                    after
                }
                Disposition::Rephrase if self.client.downgrade(attempt.structured).is_some() => Some(Duration::ZERO),
                Disposition::AbortRun => {
                    let message = format!("{}; {}", trouble.message, trouble.remedy());
                    return Err(Trouble::Run(RunError::Provider(message)));
                }
                Disposition::Split | Disposition::Rephrase | Disposition::FailUnit => return Err(last.into()),
            };
            std::thread::sleep(backoff(failures, after, self.random.f64()));
        }
        Err(last.into())
    }
}
