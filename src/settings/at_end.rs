//! What happens when a run has ended.

use clap::Args;

use super::load::SettingsError;
use crate::remote::Webhook;

/// Settings of what happens when a run has ended, however it ended.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "At the end")]
pub(crate) struct EndSettings {
    /// Run this command of a shell once when the run has ended, however it ended; its standard input is the end as JSON.
    #[arg(long, value_name = "COMMAND", env = "CORPORA_ON_END", hide_env_values = true)]
    pub on_end: Option<String>,

    /// Post the same JSON to this address, once: https, or http on this machine.
    #[arg(long, value_name = "URL", env = "CORPORA_WEBHOOK", hide_env_values = true)]
    pub webhook: Option<String>,

    /// Show a note on the desktop: by notify-send, which most desktops of Linux have (libnotify), or by osascript on macOS.
    #[arg(long, env = "CORPORA_DESKTOP_NOTE")]
    pub desktop_note: bool,

    /// Ring the bell of the terminal.
    #[arg(long, env = "CORPORA_BELL")]
    pub bell: bool,

    /// Stay when the run has ended, look at the inputs every so many seconds, and run again when something has come or changed.
    #[arg(long, value_name = "SECONDS", env = "CORPORA_WATCH")]
    pub watch: Option<f64>,
}

impl EndSettings {
    /// The address that is told.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn webhook(&self) -> Result<Option<Webhook>, SettingsError> {
        self.webhook.as_deref().map(Webhook::new).transpose().map_err(SettingsError::value)
    }

    /// Time between two looks at the inputs, if the program stays.
    ///
    /// # Errors
    /// If it is out of range.
    pub(crate) fn watch(&self) -> Result<Option<std::time::Duration>, SettingsError> {
        self.watch.map(|seconds| super::remote::seconds("--watch", seconds)).transpose()
    }
}
