//! Reason for which a stage of a document failed, as data.

use serde::{Deserialize, Serialize};

/// The class of a failure. It decides whether a second attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Reading or writing a file failed.
    Io,
    /// The file is gone since discovery.
    Vanished,
    /// The file's content changed since discovery.
    Changed,
    /// The content is of no format that is known, or not of the one that the name promises.
    UnknownFormat,
    /// The file is empty.
    Empty,
    /// The file cannot be read as what it claims to be.
    Damaged,
    /// The file needs a password, or carries DRM.
    Encrypted,
    /// The parser ran over its time limit.
    Timeout,
    /// The parser ran over its memory limit.
    Memory,
    /// The parser process died (signal, abort, stack overflow).
    Crashed,
    /// The provider refused to answer.
    Refused,
    /// The text is larger than the provider or its model takes.
    TooLarge,
    /// The provider's answers were not usable.
    BadAnswer,
    /// The provider or the network failed on every attempt.
    Provider,
    /// A stored result is not as it was stored. It is made again, so no document is left with this.
    Spoilt,
    /// A stage failed in a way that is corpora's own fault.
    Internal,
}

impl FailureKind {
    /// Test whether the cause may pass by itself, so that the engine tries once more in the same run.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Io | Self::Crashed | Self::Changed)
    }

    /// Test whether it would be the same on every machine: the content is to blame, and neither time nor memory nor a disk.
    pub fn is_for_good(self) -> bool {
        matches!(
            self,
            Self::UnknownFormat
                | Self::Empty
                | Self::Damaged
                | Self::Encrypted
                | Self::Refused
                | Self::TooLarge
                | Self::BadAnswer
        )
    }

    /// The kind of a name; [`FailureKind::Internal`] for one that is not known.
    pub fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(Self::Internal)
    }

    /// The name used in the error log and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Io => "Io",
            Self::Vanished => "Vanished",
            Self::Changed => "Changed",
            Self::UnknownFormat => "UnknownFormat",
            Self::Empty => "Empty",
            Self::Damaged => "Damaged",
            Self::Encrypted => "Encrypted",
            Self::Timeout => "Timeout",
            Self::Memory => "Memory",
            Self::Crashed => "Crashed",
            Self::Refused => "Refused",
            Self::TooLarge => "TooLarge",
            Self::BadAnswer => "BadAnswer",
            Self::Provider => "Provider",
            Self::Spoilt => "Spoilt",
            Self::Internal => "Internal",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::Io,
        Self::Vanished,
        Self::Changed,
        Self::UnknownFormat,
        Self::Empty,
        Self::Damaged,
        Self::Encrypted,
        Self::Timeout,
        Self::Memory,
        Self::Crashed,
        Self::Refused,
        Self::TooLarge,
        Self::BadAnswer,
        Self::Provider,
        Self::Spoilt,
        Self::Internal,
    ];
}

/// A failure with a reason that a person understands and, where there is one, a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Its class.
    pub kind: FailureKind,
    /// A lowercase sentence: what is wrong and what to do. It does not repeat the document's path.
    pub message: String,
}

impl Failure {
    /// A failure of `kind` with a reason.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
