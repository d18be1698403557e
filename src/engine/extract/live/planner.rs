//! Plans documents into requests: each unit that has no answer yet is asked for once.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::board::Claim;
use super::shared::Live;
use crate::engine::attempts::attempts;
use crate::engine::checkpoint::{About, submit};
use crate::engine::error::RunError;
use crate::engine::extract::admission::{Admission, admission};
use crate::engine::extract::contents::contents;
use crate::engine::extract::request::{Ask, takes};
use crate::engine::feed::{Job, Upstream, follow_documents};
use crate::stages::extract::Unit;
use crate::store::{DocId, Reader};
use crate::values::{Extraction, Stage};

/// Documents that may be open at once: their text is not in memory, only their names are.
const MOST_OPEN: usize = 4096;

/// A pack that waits for more units goes as it is after this time.
const PACK_AGE: Duration = Duration::from_millis(200);

/// Units that wait for their request to be full.
struct Pack {
    units: Vec<Unit>,
    doc: DocId,
    size: usize,
    since: Instant,
}

/// Follows the chunked documents and sends their requests, until there are no more or nothing new may be begun.
pub(super) fn plan(live: &Live<'_>, upstream: &Upstream, requests: &Sender<Ask>) -> Result<(), RunError> {
    let run = live.run;
    let reader = run.store.reader()?;
    let size = run.pipeline.units_per_request();
    let mut pack = Pack { units: Vec::new(), doc: DocId(0), size, since: Instant::now() };
    let mut broken = None;
    follow_documents(run, Stage::Extract, upstream, &mut |job| {
        let outcome = document(live, &reader, job, &mut pack, requests);
        match outcome {
            Ok(go_on) => go_on,
            Err(error) => {
                broken = Some(error);
                false
            }
        }
    })?;
    pack.send(live, requests);
    broken.map_or(Ok(()), Err)
}

/// Plans one document. Says whether to go on.
fn document(
    live: &Live<'_>,
    reader: &Reader,
    job: Job,
    pack: &mut Pack,
    requests: &Sender<Ask>,
) -> Result<bool, RunError> {
    let run = live.run;
    let waiting = run.signs.waits("the planner", "documents whose answers are not there");
    while live.board.open_documents() >= MOST_OPEN && !live.is_halted() {
        if pack.since.elapsed() > PACK_AGE {
            pack.send(live, requests);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(waiting);
    if live.is_halted() {
        return Ok(false);
    }
    let (doc, generation) = (job.pending.doc, job.pending.generation);
    let about = About::of(Stage::Extract, &job);
    about.started(run);
    let started = Instant::now();
    let (outcome, tries) = attempts(|| contents(run, reader, &job), |failure| about.retried(run, failure))?;
    let contents = match outcome {
        Ok(contents) => contents,
        Err(failure) => {
            submit::<Extraction>(run, &job, Err(failure), tries, started)?;
            return Ok(true);
        }
    };
    live.board.open(job);
    let mut seen = HashSet::new();
    let mut open = Vec::new();
    let mut waits_for_batch = false;
    for (number, unit) in contents.units.iter().enumerate() {
        if !seen.insert(unit.key) {
            continue;
        }
        let mut standing = Admission::Open;
        let settled = || -> Result<bool, RunError> {
            standing = admission(run, reader, &unit.key, generation)?;
            Ok(standing != Admission::Open)
        };
        match live.board.claim(unit.key, doc, settled)? {
            // It is paid for already, perhaps: the document waits for its batch.
            Claim::Settled if standing == Admission::InBatch => waits_for_batch = true,
            Claim::Mine => open.push(number),
            Claim::Settled | Claim::Shared => {}
            Claim::Nobody => {
                live.board.forget(doc);
                return Ok(false);
            }
        }
    }
    let (units, context) = contents.in_context(live.remote.context, &run.phrasing, &open, pack.size);
    run.contexts.count(context);
    for unit in units {
        if !pack.add(live, unit, doc, requests) {
            live.board.forget(doc);
            return Ok(false);
        }
    }
    if waits_for_batch {
        live.board.forget(doc);
    } else {
        live.board.planned(doc);
    }
    Ok(!live.is_halted())
}

impl Pack {
    /// Adds a unit and sends the pack if it is full. Says whether to go on.
    fn add(&mut self, live: &Live<'_>, unit: Unit, doc: DocId, requests: &Sender<Ask>) -> bool {
        if !takes(&self.units, &unit) && !self.send(live, requests) {
            return false;
        }
        if self.units.is_empty() {
            self.doc = doc;
            self.since = Instant::now();
        }
        self.units.push(unit);
        self.units.len() < self.size || self.send(live, requests)
    }

    fn send(&mut self, live: &Live<'_>, requests: &Sender<Ask>) -> bool {
        let units = std::mem::take(&mut self.units);
        let _waiting = live.run.signs.waits("the planner", "room in the queue of requests");
        // The queue is closed when nothing new is begun.
        units.is_empty() || requests.blocking_send(Ask::new(&live.run.phrasing, units, self.doc)).is_ok()
    }
}
