//! Reasons for which a run stops asking a provider before its end.

use serde::{Deserialize, Serialize};

/// Reason for which a run stopped before its end, as a script can tell it apart. In JSON it is `stop_reason`, in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The key is missing, wrong or not allowed to do this.
    Key,
    /// No money is left at the provider, or its spend limit is reached.
    Balance,
    /// The quota of a day is used up.
    DailyQuota,
    /// The model, or the address, does not exist.
    NotFound,
    /// No connection to the provider came about.
    Unreachable,
    /// The provider finds the requests of this run wrong.
    BadRequest,
    /// The server can be given a schema in no way.
    Schema,
    /// Trouble of the provider, of another kind.
    Provider,
    /// Nothing was answered for as long as `--patience` says.
    Patience,
    /// `--max-cost` leaves no room for the next request.
    Cap,
    /// The address has no batch endpoint.
    NoBatchEndpoint,
    /// The provider refuses batches, or its queue takes not even one request.
    BatchRefused,
    /// A batch, or its results, cannot be found at the provider: a person decides.
    BatchLost,
    /// Batches are left at the provider, or are to be sent: the same command goes on with them.
    BatchesLeft,
    /// None of the first answers can be used: model, server or prompt are unfit.
    Useless,
    /// Nothing has happened for minutes: a fault of the program.
    Standstill,
}

impl StopReason {
    /// Every reason.
    pub const ALL: [Self; 16] = [
        Self::Key,
        Self::Balance,
        Self::DailyQuota,
        Self::NotFound,
        Self::Unreachable,
        Self::BadRequest,
        Self::Schema,
        Self::Provider,
        Self::Patience,
        Self::Cap,
        Self::NoBatchEndpoint,
        Self::BatchRefused,
        Self::BatchLost,
        Self::BatchesLeft,
        Self::Useless,
        Self::Standstill,
    ];
}

/// End of a run's asking before its time: a reason for scripts, and words for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Reason.
    #[serde(rename = "stop_reason")]
    pub reason: StopReason,
    /// A lowercase sentence: what happened, and what to do.
    #[serde(rename = "stopped")]
    pub message: String,
}

impl Stop {
    /// A stop for a reason, in words.
    pub fn new(reason: StopReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The same stop with more words.
    #[must_use]
    pub fn and(mut self, words: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(words);
        self
    }
}
