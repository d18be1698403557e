//! Feeds jobs to workers through a bounded queue, until there are none, somebody cancels, or something breaks.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Sender, bounded};

use super::error::RunError;

/// Runs `work` on every job that `feed` sends, on `workers` threads. Each thread makes its own state once, with
/// `state`. A job that was taken is finished even when `stopping` says so. The first error ends everything and is
/// returned.
///
/// The queue holds at most two jobs for each worker, so memory does not depend on how many jobs there are.
pub(super) fn drive<Job: Send, State>(
    workers: usize,
    stopping: &(dyn Fn() -> bool + Sync),
    feed: impl FnOnce(&mut dyn FnMut(Job) -> bool) -> Result<(), RunError> + Send,
    state: impl Fn() -> Result<State, RunError> + Sync,
    work: impl Fn(&mut State, Job) -> Result<(), RunError> + Sync,
) -> Result<(), RunError> {
    let (sender, receiver): (Sender<Job>, _) = bounded(2 * workers);
    let first_error = Mutex::new(None);
    let broken = AtomicBool::new(false);
    let fail = |error: RunError| {
        first_error.lock().expect("no panic while the lock is held").get_or_insert(error);
        broken.store(true, Ordering::Relaxed);
    };
    let stopping = || stopping() || broken.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        for n in 0..workers {
            let (receiver, fail, stopping, state, work) = (receiver.clone(), &fail, &stopping, &state, &work);
            let run = move || {
                let mut state = match state() {
                    Ok(state) => state,
                    Err(error) => return fail(error),
                };
                while let Ok(job) = receiver.recv() {
                    if stopping() {
                        continue; // drain, so that the feeder is never left waiting
                    }
                    if let Err(error) = work(&mut state, job) {
                        fail(error);
                    }
                }
            };
            if let Err(e) = std::thread::Builder::new().name(format!("worker-{n}")).spawn_scoped(scope, run) {
                fail(RunError::Threads(e));
            }
        }
        drop(receiver);
        let mut send = |job| !stopping() && sender.send(job).is_ok();
        if let Err(error) = feed(&mut send) {
            fail(error);
        }
        drop(sender);
    });
    match first_error.into_inner().expect("no panic while the lock is held") {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
