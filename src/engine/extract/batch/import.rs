//! Reads a batch's results: in any order, twice, cut off, with lines that nobody asked for.

use super::driver::Driver;
use super::endpoint::BatchEndpoint;
use crate::engine::error::RunError;
use crate::engine::extract::backoff::ATTEMPTS;
use crate::engine::extract::settle::{RequestFacts, estimate};
use crate::engine::failpoint;
use crate::remote::{LineOutcome, ResultLine, Trouble};
use crate::store::{BatchRequest, BatchRow, BatchState, BatchUpdate, Change, Checkpoint};
use crate::values::{Failure, FailureKind};

/// Reasons for which reading results ended before their end.
pub(super) enum Broken {
    /// The provider or the network; what was read is kept.
    Remote(Trouble),
    /// The run cannot go on.
    Run(RunError),
}

/// Reads all results of a batch that has ended. Every line is stored with its outcome in one transaction; a line whose request has
/// its outcome already is passed over. What has no line at the end was not done.
pub(super) async fn collect<E: BatchEndpoint>(
    driver: &mut Driver<'_, E>,
    batch: &BatchRow,
    places: &[String],
) -> Result<u64, Broken> {
    let mut imported = 0;
    let mut run_error = None;
    let mut odd: Vec<String> = Vec::new();
    for place in places {
        let outcome = {
            let client = std::sync::Arc::clone(&driver.client);
            let strange = std::cell::RefCell::new(&mut odd);
            let mut each = |line: ResultLine| match one(driver, batch, line) {
                Ok(Line::Imported) => {
                    imported += 1;
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
                    strange.borrow_mut().push(words);
                    Ok(())
                }
                Err(error) => {
                    run_error = Some(error);
                    Err("the run cannot go on".to_owned())
                }
            };
            client.read_results(place, &mut each, &mut |words| strange.borrow_mut().push(words)).await
        };
        if let Some(error) = run_error {
            return Err(Broken::Run(error));
        }
        outcome.map_err(Broken::Remote)?;
    }
    for words in odd.iter().take(5) {
        tracing::warn!(batch = %batch.token, "{words}");
    }
    missing(driver, batch).map_err(Broken::Run)?;
    let message =
        (!odd.is_empty()).then(|| format!("{} lines of its results were not ours or not readable", odd.len()));
    let update = BatchUpdate { id: batch.id, state: Some(BatchState::Collected), message, ..BatchUpdate::default() };
    let done = || -> Result<(), RunError> {
        driver.run.writer.submit(Checkpoint::new(vec![Change::Batch(Box::new(update))], Vec::new()))?;
        Ok(driver.run.writer.flush()?)
    };
    done().map_err(Broken::Run)?;
    Ok(imported)
}

enum Line {
    Imported,
    /// Its request has an outcome already.
    Known,
    /// Nobody asked for it.
    Foreign(String),
}

fn one<E: BatchEndpoint>(driver: &mut Driver<'_, E>, batch: &BatchRow, line: ResultLine) -> Result<Line, RunError> {
    let seq = line.custom_id.strip_prefix(&batch.token).and_then(|rest| rest.strip_prefix('-')?.parse::<i64>().ok());
    let Some(seq) = seq.filter(|seq| (0..batch.requests.cast_signed()).contains(seq)) else {
        return Ok(Line::Foreign(format!(
            "results hold a line for '{}', which is not a request of this batch",
            line.custom_id
        )));
    };
    // What was read a moment ago may not be committed yet.
    if !driver.seen.insert((batch.id, seq)) {
        return Ok(Line::Known);
    }
    let Some(request) = driver.reader.waiting_request(batch.id, seq)? else { return Ok(Line::Known) };
    let changes = match line.outcome {
        LineOutcome::Answered(body) => answered(driver, batch, &request, &body),
        LineOutcome::Wrong(message) => {
            let failure =
                Failure::new(FailureKind::Provider, format!("the provider finds the request wrong: {message}"));
            let mut changes = vec![settled(&request, Some(message))];
            changes.extend(request.units.iter().map(|unit| failed(driver, batch, unit, ATTEMPTS, failure.clone())));
            changes
        }
        LineOutcome::Undone(message) => undone(driver, batch, &request, &message),
    };
    driver.run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
    Ok(Line::Imported)
}

fn settled(request: &BatchRequest, undone: Option<String>) -> Change {
    Change::BatchSettled { batch: request.batch, seq: request.seq, undone }
}

fn failed<E: BatchEndpoint>(
    driver: &Driver<'_, E>,
    batch: &BatchRow,
    unit: &crate::values::Fingerprint,
    attempts: u32,
    failure: Failure,
) -> Change {
    Change::UnitFailed { question: driver.run.question, unit: *unit, generation: batch.generation, attempts, failure }
}

/// A request that was not done uses one attempt of its units.
fn undone<E: BatchEndpoint>(
    driver: &Driver<'_, E>,
    batch: &BatchRow,
    request: &BatchRequest,
    message: &str,
) -> Vec<Change> {
    let spent = request.attempts + 1;
    let mut changes = vec![settled(request, Some(message.to_owned()))];
    for unit in &request.units {
        changes.push(match spent < ATTEMPTS {
            true => Change::UnitTried { question: driver.run.question, unit: *unit, attempts: spent, raised: false },
            false => failed(driver, batch, unit, spent, Failure::new(FailureKind::Provider, message)),
        });
    }
    changes
}

fn answered<E: BatchEndpoint>(
    driver: &mut Driver<'_, E>,
    batch: &BatchRow,
    request: &BatchRequest,
    body: &[u8],
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
    };
    let settlement = driver.policy.settle(id, &facts, body, true);
    driver.account(settlement.usage, settlement.cost);
    let mut changes = vec![driver.policy.keep(id, &facts, body), settled(request, None)];
    changes.extend(settlement.changes);
    changes
}

/// Requests that no result speaks of were not done.
fn missing<E: BatchEndpoint>(driver: &Driver<'_, E>, batch: &BatchRow) -> Result<(), RunError> {
    driver.run.writer.flush()?;
    let mut after = -1;
    loop {
        let page = driver.reader.waiting_requests(batch.id, after, 256)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = *last;
        for seq in page {
            if let Some(request) = driver.reader.waiting_request(batch.id, seq)? {
                let changes = undone(driver, batch, &request, "the results do not speak of this request");
                driver.run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
            }
        }
    }
}
