//! Desk of one worker thread: a reader, a parse worker, a way to ask alone, and what it has of a document in hand.

use std::any::Any;
use std::sync::Arc;

use super::attempts::StageError;
use super::context::Run;
use super::error::RunError;
use super::extract::alone::{Alone, Purse};
use super::large::LARGE;
use super::parser::Parser;
use crate::store::{Change, DocId, Reader};
use crate::values::{Artifact, ParsedDocument, StageMap};

/// See the module. Nothing is started before it is needed.
pub(super) struct Desk<'a> {
    pub(super) reader: Reader,
    pub(super) parser: Parser<'a>,
    /// Results of the document that is taken through all stages, none in staged mode: there the store has them.
    in_hand: StageMap<Option<Arc<dyn Any + Send + Sync>>>,
    /// The way to a provider that per-document mode asks.
    pub(super) alone: Option<Alone<'a>>,
    /// Responses paid for a document that is not checkpointed yet: they go into the store whatever becomes of the document.
    pub(super) paid: Vec<Change>,
}

impl<'a> Desk<'a> {
    /// The desk of a worker of one stage.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn new(run: &'a Run<'_>) -> Result<Self, RunError> {
        Ok(Self {
            reader: run.store.reader()?,
            parser: Parser::new(&run.parsing),
            in_hand: StageMap::default(),
            alone: None,
            paid: Vec::new(),
        })
    }

    /// The desk of a worker of per-document mode; all workers have one purse.
    ///
    /// # Errors
    /// If the store cannot be read, or no client can be made.
    pub(super) fn for_whole_documents(run: &'a Run<'_>, purse: Option<&'a Purse>) -> Result<Self, RunError> {
        let alone = run.remote.zip(purse).map(|(remote, purse)| Alone::new(run, remote, purse)).transpose()?;
        Ok(Self { alone, ..Self::new(run)? })
    }

    /// Result of a stage for the document: in hand, or from the store.
    ///
    /// # Errors
    /// If the store does not have it, or it cannot be read.
    pub(super) fn input<T: Artifact + Send + Sync + 'static>(
        &self,
        run: &Run<'_>,
        doc: DocId,
    ) -> Result<Arc<T>, StageError> {
        let in_hand = self.in_hand[T::STAGE].clone().and_then(|value| value.downcast::<T>().ok());
        match in_hand {
            Some(value) => Ok(value),
            None => Ok(Arc::new(self.reader.artifact::<T>(&run.fps, doc)?)),
        }
    }

    /// The parsed document as it is stored, if it is large and not in hand: such a one is for a worker, within its limits.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn large_document(&self, run: &Run<'_>, doc: DocId) -> Result<Option<Vec<u8>>, StageError> {
        if self.in_hand[ParsedDocument::STAGE].is_some() {
            return Ok(None);
        }
        Ok(self.reader.large_artifact::<ParsedDocument>(&run.fps, doc, LARGE)?)
    }

    /// Keeps what a stage made, for the stages after it.
    pub(super) fn hold<T: Artifact + Send + Sync + 'static>(&mut self, value: T) {
        self.in_hand[T::STAGE] = Some(Arc::new(value));
    }

    /// Clears the desk for the next document.
    pub(super) fn clear(&mut self) {
        self.in_hand = StageMap::default();
        self.paid.clear();
    }
}
