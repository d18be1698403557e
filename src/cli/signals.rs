//! The end of a run from outside: Ctrl-C (once, finish what is in flight; twice, stop now), and the end of the program that began it.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::fs::{FileType, fstat};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use super::exit::Exit;
use crate::engine::Cancel;

/// Listens for SIGINT, SIGTERM and SIGHUP, by which a terminal that is closed says so. The first sets `cancel` and calls `on_first`; the second ends the process at once,
/// which loses only what is not committed yet.
///
/// # Errors
/// If the operating system refuses the handlers.
pub(super) fn listen(cancel: Cancel, on_first: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            if cancel.is_stopping() {
                stop_now();
            }
            cancel.stop();
            on_first();
        }
    })?;
    Ok(())
}

/// Time in which a run whose parent has gone may still commit: an engine that replaces it waits no longer.
const GRACE: Duration = Duration::from_secs(1);

/// Ends the run when its standard input is a pipe and is closed: so an engine's task goes when its parent dies in any way. A terminal and
/// `/dev/null`, which schedulers give, say nothing.
///
/// # Errors
/// If there is no thread for it.
pub(super) fn end_with_parent(cancel: Cancel, on_end: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let is_pipe = fstat(std::io::stdin().as_fd())
        .is_ok_and(|stat| matches!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo | FileType::Socket));
    if !is_pipe {
        return Ok(());
    }
    std::thread::Builder::new().name("parent".into()).spawn(move || {
        let mut buffer = [0; 4096];
        let mut input = std::io::stdin().lock();
        // What comes is of no interest, and an error is an end as well.
        while input.read(&mut buffer).is_ok_and(|read| read > 0) {}
        cancel.stop();
        on_end();
        std::thread::sleep(GRACE);
        stop_now();
    })?;
    Ok(())
}

#[expect(
    clippy::exit,
    reason = "the second Ctrl-C, and a parent that has gone, ask for exactly this; the store survives it like a crash"
)]
fn stop_now() -> ! {
    super::on_end::tell_of_leaving(Exit::Interrupted, "it was stopped at once; the same command continues");
    std::process::exit(Exit::Interrupted as i32)
}

/// Lets an abort of this program (memory that cannot be had, a stack that overflows) write a byte to `mark` before it ends as ever.
pub(super) fn mark_abort(mark: File) {
    // Without the mark the next run does not know which document it was; nothing else is lost.
    let marked = low_level::pipe::register(SIGABRT, mark);
    if marked.is_ok() {
        let _ = flag::register_conditional_default(SIGABRT, Arc::new(AtomicBool::new(true)));
    }
}
