//! Reads a batch's results: in any order, twice, cut off, with lines that nobody asked for.

use super::driver::Driver;
use super::endpoint::BatchEndpoint;
use crate::engine::error::RunError;
use crate::engine::extract::backoff::ATTEMPTS;
use crate::engine::extract::request::TOGETHER;
use crate::engine::extract::settle::{RequestFacts, estimate, keep};
use crate::engine::failpoint;
use crate::remote::{Disposition, LineOutcome, ResultLine, Trouble, TroubleKind, UseOf};
use crate::store::{BatchRequest, BatchRow, BatchState, BatchUpdate, Change, Checkpoint};
use crate::values::{Cost, Failure, FailureKind, Fingerprint, Stop};

/// Reasons for which reading results ended before their end.
pub(super) enum Broken {
    /// The provider or the network; what was read is kept.
    Remote(Trouble),
    /// The run cannot go on.
    Run(RunError),
}

/// Answers that are judged: enough to know a model that is of no use.
const MOST_JUDGED: u64 = 100;

/// Result of reading a batch's results once.
#[derive(Debug, Default)]
pub(super) struct Import {
    /// Lines that are of no request of the batch, or cannot be read.
    pub(super) foreign: u64,
    /// The first of them, in words.
    pub(super) example: Option<String>,
    /// Uses that could be made of the answers, first ones first; few are enough to judge by.
    pub(super) uses: Vec<UseOf>,
    /// End of the run that an error in a line asks for: no other request would fare better.
    pub(super) stop: Option<Stop>,
}

/// Reads the results of a batch, as far as they are there. Every line is stored with its outcome in one transaction; a line whose
/// request has its outcome already is passed over. What is read is durable when this returns.
pub(super) async fn import<E: BatchEndpoint>(
    driver: &mut Driver<'_, E>,
    batch: &BatchRow,
    places: &[String],
) -> Result<Import, Broken> {
    let mut import = Import::default();
    let mut imported = 0;
    let mut run_error = None;
    for place in places {
        let outcome = {
            let client = std::sync::Arc::clone(&driver.client);
            let strange = std::cell::RefCell::new(&mut import);
            let mut each = |line: ResultLine| match one(driver, batch, line) {
                Ok(Line::Imported { stop, use_of }) => {
                    imported += 1;
                    strange.borrow_mut().uses.extend(use_of.filter(|_| imported <= MOST_JUDGED));
                    if let Some(stop) = stop {
                        strange.borrow_mut().stop.get_or_insert(stop);
                    }
                    if imported == 1 {
                        failpoint::reached("mid-download");
                    }
                    if imported * 2 >= batch.requests {
                        let _ = driver.run.writer.flush();
                        failpoint::reached("mid-import");
                    }
                    Ok(())
                }
                Ok(Line::Known) => Ok(()),
                Ok(Line::Foreign(words)) => {
                    strange.borrow_mut().odd(batch, words);
                    Ok(())
                }
                Err(error) => {
                    run_error = Some(error);
                    Err("the run cannot go on".to_owned())
                }
            };
            client.read_results(place, &mut each, &mut |words| strange.borrow_mut().odd(batch, words)).await
        };
        if let Some(error) = run_error {
            return Err(Broken::Run(error));
        }
        outcome.map_err(Broken::Remote)?;
    }
    driver.run.writer.flush().map_err(|error| Broken::Run(error.into()))?;
    Ok(import)
}

impl Import {
    fn odd(&mut self, batch: &BatchRow, words: String) {
        self.foreign += 1;
        if self.foreign <= 5 {
            tracing::warn!(batch = %batch.token, "{words}");
        }
        self.example.get_or_insert(words);
    }
}

enum Line {
    /// Its outcome is stored; with an end of the run that it asks for, and the use of an answer.
    Imported { stop: Option<Stop>, use_of: Option<UseOf> },
    /// Its request has an outcome already.
    Known,
    /// Nobody asked for it.
    Foreign(String),
}

fn one<E: BatchEndpoint>(driver: &mut Driver<'_, E>, batch: &BatchRow, line: ResultLine) -> Result<Line, RunError> {
    let seq = line.custom_id.strip_prefix(&batch.token).and_then(|rest| rest.strip_prefix('-')?.parse::<i64>().ok());
    let Some(seq) = seq.filter(|seq| (0..batch.requests.cast_signed()).contains(seq)) else {
        return Ok(Line::Foreign(format!(
            "results hold a line for the id '{}', which is of no request of this provider batch",
            line.custom_id
        )));
    };
    // What was read a moment ago may not be committed yet.
    if !driver.seen.insert((batch.id, seq)) {
        return Ok(Line::Known);
    }
    let Some(request) = driver.reader.waiting_request(batch.id, seq)? else { return Ok(Line::Known) };
    let (mut stop, mut use_of) = (None, None);
    let changes = match line.outcome {
        LineOutcome::Answered(body) => answered(driver, batch, &request, &body, &mut use_of),
        LineOutcome::Failed(trouble) => refused(driver, batch, &request, &trouble, &mut stop),
        LineOutcome::Undone(message) => undone(batch, &request, &message, 1),
    };
    driver.run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
    Ok(Line::Imported { stop, use_of })
}

/// An error in a line means what it would have meant live; nothing was paid for it.
fn refused<E: BatchEndpoint>(
    driver: &Driver<'_, E>,
    batch: &BatchRow,
    request: &BatchRequest,
    trouble: &Trouble,
    stop: &mut Option<Stop>,
) -> Vec<Change> {
    let message = &trouble.message;
    let give_up = |kind, words: String| {
        let mut changes = vec![settled(request, Some(message.clone()))];
        let failure = Failure::new(kind, words);
        changes.extend(request.units.iter().map(|unit| failed(batch, unit, ATTEMPTS, failure.clone())));
        changes
    };
    let is_refused = trouble.kind == TroubleKind::Refused;
    match trouble.disposition() {
        Disposition::Retry { .. } => undone(batch, request, message, 1),
        Disposition::Rephrase if driver.client.downgrade() => undone(batch, request, message, 1),
        // In a smaller pack the others pass: they go one by one from here on.
        _ if request.units.len() > 1 && trouble.is_of_a_part() => {
            undone(batch, request, message, (TOGETHER + 1).saturating_sub(request.attempts).max(1))
        }
        Disposition::Split => give_up(FailureKind::TooLarge, format!("{message}{}", trouble.remedy_for_size())),
        Disposition::FailUnit if is_refused => give_up(FailureKind::Refused, message.clone()),
        Disposition::FailUnit => {
            give_up(FailureKind::Provider, format!("the provider finds the request wrong: {message}"))
        }
        // The money or the key is gone, not the units: they wait.
        Disposition::AbortRun | Disposition::Rephrase => {
            stop.get_or_insert_with(|| trouble.stop());
            vec![settled(request, Some(message.clone()))]
        }
    }
}

fn settled(request: &BatchRequest, undone: Option<String>) -> Change {
    Change::BatchSettled { batch: request.batch, seq: request.seq, undone }
}

fn failed(batch: &BatchRow, unit: &Fingerprint, attempts: u32, failure: Failure) -> Change {
    Change::UnitFailed { question: batch.question, unit: *unit, generation: batch.generation, attempts, failure }
}

/// A request that was not done uses some of the attempt budget of its units.
fn undone(batch: &BatchRow, request: &BatchRequest, message: &str, attempts: u32) -> Vec<Change> {
    let spent = request.attempts + attempts;
    let mut changes = vec![settled(request, Some(message.to_owned()))];
    for unit in &request.units {
        changes.push(match spent < ATTEMPTS {
            true => Change::UnitTried { question: batch.question, unit: *unit, attempts: spent, raised: false },
            false => failed(batch, unit, spent, Failure::new(FailureKind::Provider, message)),
        });
    }
    changes
}

fn answered<E: BatchEndpoint>(
    driver: &mut Driver<'_, E>,
    batch: &BatchRow,
    request: &BatchRequest,
    body: &[u8],
    use_of: &mut Option<UseOf>,
) -> Vec<Change> {
    let id = driver.run.new_response();
    let facts = RequestFacts {
        doc: request.doc,
        units: request.units.clone(),
        generation: batch.generation,
        spent: request.attempts,
        estimate: estimate(request.input, request.max_output),
        model: batch.model.clone(),
        request_id: batch.remote.clone(),
        latency_ms: 0,
        batch: Some(batch.id),
    };
    let Some(policy) = &driver.policy else {
        // Its own command reads it, and learns then what it cost: until then it stands at its most.
        let most = batch.reserved.map(|most| Cost(most.0 / batch.requests.max(1).cast_signed()));
        return vec![keep(batch.question, id, &facts, most, body), settled(request, None)];
    };
    let (kept, settlement) = (policy.keep(id, &facts, body), policy.settle(id, &facts, body));
    let had = driver.run.thoughts.tokens();
    let more_room = driver.run.thoughts.hear(settlement.thoughts, settlement.eaten, had);
    *use_of = Some(settlement.use_of(more_room || settlement.eaten));
    driver.account(settlement.usage, settlement.cost);
    let mut changes = vec![kept, settled(request, None)];
    changes.extend(settlement.changes);
    changes
}

/// Closes a batch whose provider says that what no line speaks of was not done.
pub(super) fn close<E: BatchEndpoint>(
    driver: &Driver<'_, E>,
    batch: &BatchRow,
    message: Option<String>,
) -> Result<(), RunError> {
    let mut after = -1;
    loop {
        let page = driver.reader.waiting_requests(batch.id, after, 256)?;
        let Some(last) = page.last() else { break };
        after = *last;
        for seq in page {
            if let Some(request) = driver.reader.waiting_request(batch.id, seq)? {
                let changes = undone(batch, &request, "the results do not speak of this request", 1);
                driver.run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
            }
        }
    }
    let (state, owed) = (Some(BatchState::Collected), Some(0));
    driver.note(BatchUpdate { id: batch.id, state, owed, message, ..BatchUpdate::default() })
}
