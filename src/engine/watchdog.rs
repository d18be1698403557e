//! Watching over a run that stands still: nothing done, nothing in flight, nothing committed for minutes. That is a fault of
//! this program; the run then says what each of its parts waits for, and ends, because everything committed is durable.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Longest time without any sign of life. The longest lawful silence is shorter: whoever waits for something outside, or for
/// a time, gives signs while it waits.
pub(super) const STANDSTILL: Duration = Duration::from_mins(10);

/// Time that a run gets to end by itself, once it was told to.
const LAST_WORDS: Duration = Duration::from_secs(60);

/// Signs of life of a run, and what its parts wait for. Clones share them.
#[derive(Clone)]
pub(super) struct Signs(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Told when the run is over: the watch holds the sender of events, and whoever shows them waits until nobody does.
    over: Condvar,
}

struct State {
    last: Instant,
    waits: BTreeMap<&'static str, String>,
    /// Pieces of work that compute, or wait for something with an end.
    working: usize,
    ended: bool,
}

impl Signs {
    pub(super) fn new() -> Self {
        let state = State { last: Instant::now(), waits: BTreeMap::new(), working: 0, ended: false };
        Self(Arc::new(Shared { state: Mutex::new(state), over: Condvar::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no panic while the lock is held")
    }

    /// Something was done, is in flight, or is waited for with an end.
    pub(super) fn alive(&self) {
        self.state().last = Instant::now();
    }

    /// A piece of work that computes, or waits for something with an end of its own, until the guard is dropped.
    pub(super) fn working(&self) -> Working {
        self.state().working += 1;
        Working(self.clone())
    }

    /// A part of the run waits for something, until the guard is dropped.
    pub(super) fn waits(&self, part: &'static str, what: impl Into<String>) -> Waiting {
        self.state().waits.insert(part, what.into());
        Waiting { signs: self.clone(), part }
    }

    /// The run is over.
    fn end(&self) {
        self.state().ended = true;
        self.0.over.notify_all();
    }

    /// Waits until the run is over (true), or for this long (false).
    fn is_over_within(&self, time: Duration) -> bool {
        let over = self.0.over.wait_timeout_while(self.state(), time, |state| !state.ended);
        over.expect("no panic while the lock is held").0.ended
    }

    /// Words for what each part waits for.
    fn words(&self) -> String {
        let state = self.state();
        let parts: Vec<String> = state.waits.iter().map(|(part, what)| format!("{part} waits for {what}")).collect();
        if parts.is_empty() { "no part of it says what it waits for".to_owned() } else { parts.join("; ") }
    }
}

/// See [`Signs::working`].
pub(super) struct Working(Signs);

impl Drop for Working {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.working -= 1;
        state.last = Instant::now();
    }
}

/// See [`Signs::waits`].
pub(super) struct Waiting {
    signs: Signs,
    part: &'static str,
}

impl Waiting {
    /// Changes what is waited for.
    pub(super) fn now(&self, what: String) {
        self.signs.state().waits.insert(self.part, what);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.signs.state().waits.remove(self.part);
    }
}

/// The watch over one run; dropping it ends the watch.
pub(super) struct Watchdog(Signs);

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Begins to watch. After `standstill` without a sign, `stop` is called once with what each part waits for; it should let the run end.
/// If the run is still there a minute later, `abandon` is called: only the end of the process helps then.
pub(super) fn watch(
    signs: Signs,
    standstill: Duration,
    stop: impl FnOnce(String) + Send + 'static,
    abandon: impl FnOnce() + Send + 'static,
) -> std::io::Result<Watchdog> {
    let watched = signs.clone();
    std::thread::Builder::new().name("watchdog".into()).spawn(move || {
        if stands_still(&watched, standstill) {
            stop(watched.words());
            if !watched.is_over_within(LAST_WORDS.min(standstill * 4)) {
                abandon();
            }
        }
    })?;
    Ok(Watchdog(signs))
}

/// Waits until the run ends (false) or gives no sign for so long (true).
fn stands_still(signs: &Signs, standstill: Duration) -> bool {
    loop {
        let silent = {
            let state = signs.state();
            if state.working > 0 { Duration::ZERO } else { state.last.elapsed() }
        };
        if silent >= standstill {
            return true;
        }
        if signs.is_over_within(standstill - silent) {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;

    const SOON: Duration = Duration::from_millis(40);

    /// Events of a watch, in their order.
    #[derive(Debug, PartialEq)]
    enum Told {
        Stop(String),
        Abandon,
    }

    fn watched(signs: &Signs, standstill: Duration) -> (Watchdog, crossbeam_channel::Receiver<Told>) {
        let (tell, told) = bounded(2);
        let (stop, abandon) = (tell.clone(), tell);
        let watchdog = watch(
            signs.clone(),
            standstill,
            move |words| stop.send(Told::Stop(words)).unwrap(),
            move || abandon.send(Told::Abandon).unwrap(),
        );
        (watchdog.unwrap(), told)
    }

    #[test]
    fn a_run_that_stands_still_says_what_its_parts_wait_for_and_is_abandoned_if_it_does_not_end() {
        let signs = Signs::new();
        let _planner = signs.waits("the planner", "room in the queue of requests");
        drop(signs.waits("the reader", "a response"));
        let (_watchdog, told) = watched(&signs, SOON);
        let words = "the planner waits for room in the queue of requests".to_owned();
        assert_eq!([told.recv().unwrap(), told.recv().unwrap()], [Told::Stop(words), Told::Abandon]);
    }

    #[test]
    fn work_that_goes_on_is_no_standstill_however_long_it_takes() {
        let signs = Signs::new();
        let working = signs.working();
        let (_watchdog, told) = watched(&signs, SOON);
        assert!(told.recv_timeout(Duration::from_millis(400)).is_err());
        drop(working);
        assert_eq!(told.recv().unwrap(), Told::Stop("no part of it says what it waits for".into()));
    }

    #[test]
    fn the_watch_over_a_run_that_ends_ends_with_it_and_without_a_word() {
        // Who is told what happens waits for the end of the watch: one that slept on would hold every run up.
        let (watchdog, told) = watched(&Signs::new(), Duration::from_secs(3600));
        drop(watchdog);
        assert!(told.recv().is_err());
    }
}
