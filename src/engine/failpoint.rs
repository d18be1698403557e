//! Named points at which the program dies as by `kill -9`, for tests of crashes. Without the feature `failpoints`, which tests turn
//! on, there are none.

use std::time::Duration;

use crate::values::SourcePath;

#[cfg(feature = "failpoints")]
static CHOSEN: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Choice of the point at which this process dies; the first choice stays.
#[cfg(feature = "failpoints")]
pub fn crash_at(point: &str) {
    let _ = CHOSEN.set(point.to_owned());
}

#[cfg(feature = "failpoints")]
fn is_chosen(point: &str) -> bool {
    CHOSEN.get().is_some_and(|chosen| chosen == point)
}

#[cfg(feature = "failpoints")]
fn die() {
    // Nothing is finished and nothing is cleaned up.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// End of the process here, if this point was chosen.
#[cfg_attr(not(feature = "failpoints"), expect(unused_variables, reason = "without the feature there are no points"))]
pub(super) fn reached(point: &str) {
    #[cfg(feature = "failpoints")]
    if is_chosen(point) {
        die();
    }
}

/// Abort of the process here, if it was to abort at this document.
#[cfg_attr(not(feature = "failpoints"), expect(unused_variables, reason = "without the feature there are no points"))]
pub(super) fn working_on(path: &SourcePath) {
    #[cfg(feature = "failpoints")]
    if is_chosen(path.as_str()) {
        std::process::abort();
    }
}

/// End of the process some time after this work began, if this point was chosen.
#[cfg_attr(not(feature = "failpoints"), expect(unused_variables, reason = "without the feature there are no points"))]
pub(super) async fn during<T>(point: &str, after: Duration, work: impl Future<Output = T>) -> T {
    #[cfg(feature = "failpoints")]
    if is_chosen(point) {
        std::thread::spawn(move || {
            std::thread::sleep(after);
            die();
        });
    }
    work.await
}
