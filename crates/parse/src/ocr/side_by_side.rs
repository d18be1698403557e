//! Work on several items at the same time, in the order of which nothing depends.

use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Course of the work on an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is made now.
    Begun(usize),
    /// Its result is there.
    Done(usize),
}

/// What becomes of each of `count` items: `draw` makes them one by one on this thread, `read` works on up to `at_once` of them at the
/// same time, and `told` hears of each, on this thread. `read` must not panic. Where one is worked on at once, all is done on this thread.
pub(super) fn map<T: Send, R: Send, E: Send>(
    count: usize,
    at_once: usize,
    draw: impl Fn(usize) -> Result<T, E>,
    read: impl Fn(&T) -> Result<R, E> + Sync,
    told: &mut dyn FnMut(Told),
) -> Vec<Result<R, E>> {
    let mut results: Vec<Option<Result<R, E>>> = (0..count).map(|_| None).collect();
    // An item waits until a thread takes it: no more of them are in memory than are worked on, and one.
    let (give, take) = sync_channel::<(usize, T)>(0);
    let (answer, answers) = channel::<(usize, Result<R, E>)>();
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        let start = |_: &usize| {
            let (answer, take, read) = (answer.clone(), &take, &read);
            let work = move || {
                loop {
                    let item = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((at, item)) = item else { return };
                    if answer.send((at, read(&item))).is_err() {
                        return;
                    }
                }
            };
            std::thread::Builder::new().name("ocr-page".into()).stack_size(STACK).spawn_scoped(scope, work).is_ok()
        };
        let threads = if at_once > 1 { (0..at_once.min(count)).filter(start).count() } else { 0 };
        for at in 0..count {
            told(Told::Begun(at));
            let result = match draw(at) {
                Ok(item) if threads > 0 => {
                    give.send((at, item)).expect("the receiver outlives the threads");
                    None
                }
                Ok(item) => Some((at, read(&item))),
                Err(e) => Some((at, Err(e))),
            };
            for (at, result) in result.into_iter().chain(answers.try_iter()) {
                results[at] = Some(result);
                told(Told::Done(at));
            }
        }
        drop((give, answer));
        for (at, result) in answers {
            results[at] = Some(result);
            told(Told::Done(at));
        }
    });
    results.into_iter().map(|result| result.expect("each item was read here or answered for")).collect()
}

/// Stack of a thread: pictures lie on the heap.
const STACK: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn each_item_has_its_own_result_however_many_work() {
        for at_once in [1, 2, 7] {
            let (mut begun, mut done) = (Vec::new(), Vec::new());
            let draw = |at: usize| if at == 3 { Err("torn") } else { Ok(at) };
            let results = map(20, at_once, draw, |at| Ok(at * 10), &mut |told| match told {
                Told::Begun(at) => begun.push(at),
                Told::Done(at) => done.push(at),
            });
            let wanted: Vec<Result<usize, &str>> =
                (0..20).map(|at| if at == 3 { Err("torn") } else { Ok(at * 10) }).collect();
            assert_eq!(results, wanted);
            done.sort_unstable();
            assert_eq!((&begun, &done), (&(0..20).collect(), &(0..20).collect()));
        }
    }

    #[test]
    fn as_many_work_at_the_same_time_as_may() {
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let read = |_: &usize| {
            most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            working.fetch_sub(1, Ordering::SeqCst);
            Ok::<(), ()>(())
        };
        map(12, 3, Ok, read, &mut |_| {});
        assert!((2..=3).contains(&most.load(Ordering::SeqCst)), "{most:?}");
    }
}
