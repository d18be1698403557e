//! Asking a provider the way that per-document mode does: a document's requests one after another, a back-off of one's own, no
//! limiter, nothing kept before the document's end.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::admission::{Admission, admission, debits, held_by, why};
use super::backoff::{ATTEMPTS, backoff};
use super::claims::{Claimed, Claims};
use super::contents::Contents;
use super::money::{Money, Reserved};
use super::request::{Ask, prompt};
use super::settle::Policy;
use super::way::{Facts, TierRule};
use crate::engine::attempts::StageError;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::feed::Job;
use crate::engine::provider::Remote;
use crate::remote::{Client, Disposition, Prompt, Structured, Trouble};
use crate::stages::extract::Unit;
use crate::store::{Change, Checkpoint, Generation, Reader};
use crate::values::{Chunk, Cost, Extraction, Failure, FailureKind, Fingerprint, ParsedDocument, Stop};

/// One worker's way to a provider.
pub(in crate::engine) struct Alone<'a> {
    remote: &'a Remote,
    client: Client,
    tier: TierRule,
    policy: Policy<'a>,
    reader: Reader,
    purse: &'a Purse,
    /// Claims on the units of the document in hand, until it is checkpointed.
    claims: Option<Claims>,
    runtime: tokio::runtime::Runtime,
    random: fastrand::Rng,
}

/// Money of all workers, what they ask about, and the end of the run before its time, once one of them has met it.
#[derive(Debug)]
pub(in crate::engine) struct Purse {
    money: Mutex<Money>,
    claimed: Arc<Claimed>,
    stop: Mutex<Option<Stop>>,
}

impl Purse {
    /// A purse that holds what the cap leaves beside the debits of the folder.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(in crate::engine) fn new(run: &Run<'_>, remote: &Remote) -> Result<Self, RunError> {
        let money = Money::new(remote.max_cost, debits(&run.store.reader()?)?);
        Ok(Self { money: Mutex::new(money), claimed: Arc::default(), stop: Mutex::new(None) })
    }

    /// End of the run before its time, if that has come.
    pub(in crate::engine) fn stop(&self) -> Option<Stop> {
        self.stop.lock().expect("no panic while the lock is held").clone()
    }

    /// Sets aside what a request may cost at most, once what others have in flight leaves room for it.
    fn set_aside(&self, remote: &Remote, ask: &Ask) -> Result<Cost, StageError> {
        let most = remote.cost(&ask.most(1.0));
        loop {
            let reserved = self.money.lock().expect("no panic while the lock is held").reserve(most);
            match reserved {
                Reserved::Yes(reserved) => return Ok(reserved),
                Reserved::Wait => std::thread::sleep(WAIT_FOR_MONEY),
                Reserved::Never { spent, next } => {
                    let cap = remote.max_cost.unwrap_or_default();
                    return Err(self.end(Reserved::cap_reached(cap, spent, next)));
                }
            }
        }
    }

    /// No request of the run would fare better: the first reason is its end.
    fn end(&self, stop: Stop) -> StageError {
        let words = stop.message.clone();
        self.stop.lock().expect("no panic while the lock is held").get_or_insert(stop);
        StageError::Run(RunError::Provider(words))
    }

    fn settle(&self, reserved: Cost, cost: Option<Cost>) {
        self.money.lock().expect("no panic while the lock is held").settle(reserved, cost);
    }
}

/// Time between two looks whether money was given back.
const WAIT_FOR_MONEY: Duration = Duration::from_millis(20);

/// Result of asking about one document.
pub(in crate::engine) struct AskedAlone {
    /// Responses that were paid for, to be committed with the document whatever became of it.
    pub(in crate::engine) changes: Vec<Change>,
    /// The document's items and what a person should know of them, or why there are none.
    pub(in crate::engine) outcome: Result<(Extraction, Vec<String>), StageError>,
}

/// Answers that the store has, by unit.
type Stored = HashMap<Fingerprint, Vec<u8>>;

impl<'a> Alone<'a> {
    pub(in crate::engine) fn new(run: &Run<'_>, remote: &'a Remote, purse: &'a Purse) -> Result<Self, RunError> {
        Ok(Self {
            remote,
            client: remote.client(&run.phrasing.schema(1))?,
            // How much is left is not known here.
            tier: TierRule::of(remote, &Facts::new(remote, 0, None)),
            policy: Policy::new(run.question, remote, &run.pipeline)?,
            reader: run.store.reader()?,
            purse,
            claims: None,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?,
            random: fastrand::Rng::new(),
        })
    }

    /// Asks in turn about every unit of a document that nobody has asked about before.
    pub(in crate::engine) fn extract(
        &mut self,
        run: &Run<'_>,
        job: &Job,
        document: &Arc<ParsedDocument>,
        chunks: &Arc<Vec<Chunk>>,
    ) -> AskedAlone {
        let contents = Contents::of(&run.pipeline.method, Arc::clone(document), Arc::clone(chunks), None);
        let mut changes = Vec::new();
        let mut outcome = self.ask_all(run, job, &contents, &mut changes);
        if matches!(outcome, Err(StageError::Run(_))) {
            // The document is not checkpointed: what was paid for it is kept by itself.
            let paid = Checkpoint::new(std::mem::take(&mut changes), Vec::new());
            let kept = run.writer.submit(paid).and_then(|()| run.writer.flush());
            outcome = kept.map_err(StageError::from).and(outcome);
        }
        let answers = outcome.and_then(|stored| Ok(contents.answered_by(&changes, &stored)?));
        let outcome = answers.map(|answers| contents.assemble(&run.pipeline.method, &answers));
        AskedAlone { changes, outcome }
    }

    /// Claims on the units of the document in hand: they end when its answers are durable.
    pub(in crate::engine) fn claims(&mut self) -> Option<Claims> {
        self.claims.take()
    }

    fn ask_all(
        &mut self,
        run: &Run<'_>,
        job: &Job,
        contents: &Contents,
        changes: &mut Vec<Change>,
    ) -> Result<Stored, StageError> {
        let (open, _) = self.admitted(run, contents, job.pending.generation)?;
        self.claims = None;
        let waiting = run.signs.waits("a worker", "units that another worker asks about");
        self.claims = Some(self.purse.claimed.claim(open.iter().map(|unit| unit.key).collect()));
        drop(waiting);
        // Somebody may have been answered meanwhile.
        let (open, stored) = self.admitted(run, contents, job.pending.generation)?;
        // One document after another is the way that this program is measured against: it keeps to sentences.
        for units in open.chunks(run.pipeline.units_per_request()) {
            self.ask(run, Ask::new(&run.phrasing, units.to_vec(), job.pending.doc), changes)?;
        }
        Ok(stored)
    }

    /// Units that may be asked about, each once, and the answers to the others.
    fn admitted(
        &self,
        run: &Run<'_>,
        contents: &Contents,
        generation: Generation,
    ) -> Result<(Vec<Unit>, Stored), StageError> {
        let (mut open, mut stored, mut seen) = (Vec::new(), Stored::new(), HashSet::new());
        for unit in contents.units.iter().filter(|unit| seen.insert(unit.key)) {
            match admission(run, &self.reader, &unit.key, generation).map_err(StageError::Run)? {
                Admission::Open => open.push(unit.clone()),
                Admission::Answered => {
                    let answer = self.reader.answer(run.question, &unit.key, generation)?;
                    stored.extend(answer.map(|answer| (unit.key, answer)));
                }
                Admission::GivenUp => return Err(why(run, &self.reader, &unit.key, generation)?.into()),
                Admission::InBatch => {
                    let batches = self.reader.open_batches(run.question)?;
                    return Err(StageError::Run(RunError::Provider(held_by(&batches))));
                }
            }
        }
        Ok((open, stored))
    }

    /// Asks until every unit of a request is answered, or one is given up.
    fn ask(&mut self, run: &Run<'_>, ask: Ask, changes: &mut Vec<Change>) -> Result<(), StageError> {
        let mut failures = 0;
        let mut left = VecDeque::from([ask]);
        while let Some(mut ask) = left.pop_front() {
            let reserved = self.purse.set_aside(self.remote, &ask)?;
            let tier = self.tier.at((self.remote.now_unix)(), 0);
            let prompt = Prompt { tier, ..prompt(&run.phrasing, &ask) };
            let attempt = self.runtime.block_on(self.client.send(&prompt));
            let trouble = match attempt.result {
                Ok(answered) => {
                    let latency_ms = i64::try_from(attempt.latency.as_millis()).unwrap_or(i64::MAX);
                    let facts = ask.facts(run, &self.client.dialect().model, attempt.request_id, latency_ms);
                    let id = run.new_response();
                    let settlement = self.policy.settle(id, &facts, &answered.body);
                    self.purse.settle(reserved, settlement.cost);
                    changes.push(self.policy.keep(id, &facts, &answered.body));
                    left.extend(ask.again(&run.phrasing, &settlement));
                    let given_up = settlement.changes.iter().find_map(|change| match change {
                        Change::UnitFailed { failure, .. } => Some(failure.clone()),
                        _ => None,
                    });
                    changes.extend(settlement.changes);
                    if let Some(failure) = given_up {
                        return Err(failure.into());
                    }
                    continue;
                }
                Err(trouble) => trouble,
            };
            let lost = trouble.may_be_billed().then(|| ask.lost(run, self.remote, &trouble, 1.0));
            self.purse.settle(reserved, lost.as_ref().and_then(|(_, cost)| *cost));
            changes.extend(lost.map(|(change, _)| change));
            failures += 1;
            let pause = self.after_trouble(&mut ask, failures, &trouble, attempt.structured)?;
            std::thread::sleep(pause);
            left.push_front(ask);
        }
        Ok(())
    }

    /// The time to wait before a request goes out again.
    fn after_trouble(
        &mut self,
        ask: &mut Ask,
        failures: u32,
        trouble: &Trouble,
        structured: Structured,
    ) -> Result<Duration, StageError> {
        let failure = || Failure::new(FailureKind::Provider, trouble.message.clone());
        let after = match trouble.disposition() {
            Disposition::Retry { after, everybody } => {
                ask.attempts += u32::from(!everybody);
                if ask.attempts >= ATTEMPTS {
                    return Err(failure().into());
                }
                after
            }
            Disposition::Rephrase if self.client.downgrade(structured).is_some() => Some(Duration::ZERO),
            Disposition::AbortRun => return Err(self.purse.end(trouble.stop())),
            Disposition::Split | Disposition::Rephrase | Disposition::FailUnit => return Err(failure().into()),
        };
        Ok(backoff(failures, after, self.random.f64()))
    }
}
