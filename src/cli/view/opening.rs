//! Opening an address in the browser of who sits before the terminal.

use std::process::{Command, Stdio};

/// Test whether there is a browser to open: somebody watches, and there is a display.
pub(super) fn can_open(is_watched: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_watched && (cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"))
}

/// Opens an address. False if there is no program for it.
pub(super) fn open(address: &str) -> bool {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let child =
        Command::new(program).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    // It ends by itself; whoever waits for it waits on a thread of its own.
    child.is_ok_and(|mut child| std::thread::Builder::new().name("browser".into()).spawn(move || child.wait()).is_ok())
}
