//! Ctrl-C: once, finish what is in flight; twice, stop now.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

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

#[expect(clippy::exit, reason = "the second Ctrl-C asks for exactly this; the store survives it like a crash")]
fn stop_now() -> ! {
    super::on_end::tell_of_leaving(Exit::Interrupted, "it was stopped at once; the same command continues");
    std::process::exit(Exit::Interrupted as i32)
}
