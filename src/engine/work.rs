//! Work of the stages that take documents: what each makes of one, and in which form.

use super::attempts::StageError;
use super::context::Run;
use super::desk::Desk;
use super::feed::Job;
use crate::store::{self, Change};
use crate::values::{Artifact, Failure, FailureKind, Gap};

/// Work of a stage of documents, named by the type of its result.
pub(super) trait Work: Artifact + Send + Sync + 'static {
    /// The result for one document. [`Desk::input`] gives what the stages before made.
    fn make(run: &Run<'_>, desk: &mut Desk<'_>, job: &Job) -> Result<Made<Self>, StageError>;
}

/// Result of a stage for one document.
pub(super) struct Made<T> {
    pub(super) result: Produced<T>,
    pub(super) terms: u64,
    /// Things that a person should know of the document.
    pub(super) notes: Vec<String>,
    /// Part of the document that is missing.
    pub(super) gap: Option<Gap>,
    /// New answers, to be committed with it.
    pub(super) answers: Vec<Change>,
}

/// Form of a result: by value or as the bytes that the store keeps.
pub(super) enum Produced<T> {
    Value(T),
    Encoded(Vec<u8>),
}

impl<T: Artifact> Made<T> {
    /// A result and nothing to say of it.
    pub(super) fn of(value: T) -> Self {
        Self { result: Produced::Value(value), terms: 0, notes: Vec::new(), gap: None, answers: Vec::new() }
    }

    /// A result that another process encoded.
    pub(super) fn encoded(bytes: Vec<u8>) -> Self {
        Self { result: Produced::Encoded(bytes), terms: 0, notes: Vec::new(), gap: None, answers: Vec::new() }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self.result {
            Produced::Value(value) => store::encode(&value),
            Produced::Encoded(bytes) => bytes,
        }
    }

    /// The same with its result in both forms.
    pub(super) fn in_hand(self) -> Result<(Self, T), Failure> {
        let (bytes, value) = match self.result {
            Produced::Value(value) => (store::encode(&value), value),
            Produced::Encoded(bytes) => {
                let value = store::decode(&bytes);
                let unreadable = |e| Failure::new(FailureKind::Internal, format!("the parse worker's reply: {e}"));
                (bytes, value.map_err(unreadable)?)
            }
        };
        Ok((Self { result: Produced::Encoded(bytes), ..self }, value))
    }
}
