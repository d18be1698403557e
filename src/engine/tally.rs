//! Counts what was committed and passes events on.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::best_terms::BestTerms;
use super::error_log::ErrorLog;
use crate::values::{Event, Phase, Stage, Vocabulary};

/// Terms that are shown at the end of a run.
const SHOWN_TERMS: usize = 10;

/// Counts of one phase of the run so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StageTally {
    pub(super) done: u64,
    pub(super) failed: u64,
    /// Moments at which it took up its first document, and was last done with one or heard of it.
    span: Option<(Instant, Instant)>,
}

impl StageTally {
    /// Time from the first document that the phase took up to the last that it was done with.
    pub(super) fn time(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(first, last)| last - first)
    }

    fn seen(&mut self) {
        let now = Instant::now();
        self.span = Some((self.span.map_or(now, |(first, _)| first), now));
    }
}

#[derive(Default)]
struct Counts {
    phases: [StageTally; Phase::COUNT],
    terms: u64,
    flagged: u64,
}

/// The way that every event takes: counted, logged if it is a failure, then sent to the reporter.
pub(super) struct Tally {
    counts: Mutex<(Counts, ErrorLog)>,
    best: Mutex<BestTerms>,
    events: Sender<Event>,
}

impl Tally {
    pub(super) fn new(log: ErrorLog, events: Sender<Event>) -> Self {
        Self { counts: Mutex::new((Counts::default(), log)), best: Mutex::default(), events }
    }

    pub(super) fn emit(&self, event: Event) {
        {
            let (counts, log) = &mut *self.counts.lock().expect("no panic while the lock is held");
            match &event {
                Event::DocumentStarted { stage, .. }
                | Event::DocumentDone { stage, .. }
                | Event::DocumentFailed { stage, .. } => counts.phases[stage.index()].seen(),
                Event::Asking { .. } | Event::Batching { .. } => {
                    counts.phases[Phase::Stage(Stage::Extract).index()].seen();
                }
                _ => {}
            }
            match &event {
                Event::DocumentDone { stage, terms, flagged, .. } => {
                    counts.phases[stage.index()].done += 1;
                    if *stage == Stage::Write {
                        counts.terms += terms;
                        counts.flagged += flagged;
                    }
                }
                Event::DocumentFailed { stage, .. } => {
                    counts.phases[stage.index()].failed += 1;
                    log.note(&event);
                }
                Event::DocumentRetried { .. } => log.note(&event),
                _ => {}
            }
        }
        // A reporter that has gone away must not stop the work.
        let _ = self.events.send(event);
    }

    pub(super) fn phase(&self, phase: Phase) -> StageTally {
        self.counts.lock().expect("no panic while the lock is held").0.phases[phase.index()]
    }

    /// Takes up the terms of a file that is written.
    pub(super) fn wrote(&self, vocabulary: &Vocabulary) {
        self.best.lock().expect("no panic while the lock is held").take(vocabulary);
    }

    /// The best terms of the files that were written.
    pub(super) fn best_terms(&self) -> Vec<String> {
        self.best.lock().expect("no panic while the lock is held").best(SHOWN_TERMS)
    }

    /// Terms in the files that were written, and how many of them are flagged.
    pub(super) fn terms(&self) -> (u64, u64) {
        let counts = self.counts.lock().expect("no panic while the lock is held");
        (counts.0.terms, counts.0.flagged)
    }
}
