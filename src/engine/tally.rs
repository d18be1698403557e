//! Counts what was committed and passes events on.

use std::sync::Mutex;

use crossbeam_channel::Sender;

use super::error_log::ErrorLog;
use crate::values::{Event, Phase, Stage};

/// Counts of one phase of the run so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StageTally {
    pub(super) done: u64,
    pub(super) failed: u64,
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
    events: Sender<Event>,
}

impl Tally {
    pub(super) fn new(log: ErrorLog, events: Sender<Event>) -> Self {
        Self { counts: Mutex::new((Counts::default(), log)), events }
    }

    pub(super) fn emit(&self, event: Event) {
        {
            let (counts, log) = &mut *self.counts.lock().expect("no panic while the lock is held");
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

    /// Terms in the files that were written, and how many of them are flagged.
    pub(super) fn terms(&self) -> (u64, u64) {
        let counts = self.counts.lock().expect("no panic while the lock is held");
        (counts.0.terms, counts.0.flagged)
    }
}
