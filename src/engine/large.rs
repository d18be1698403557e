//! Large documents: what they take of memory has a bound, whatever else the run works on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{DocId, Reader, StageFps, StoreError};
use crate::values::ParsedDocument;

/// Bytes from which on a stored document is large: about a megabyte and a half of text, whose terms take two hundred times as many bytes of
/// memory. What is smaller is worked on in this process, side by side, which is faster.
pub(super) const LARGE: u64 = 400 << 10;

/// Turn of large documents at the memory of this process: one at a time.
#[derive(Debug, Default)]
pub(super) struct LargeTurn(Mutex<()>);

impl LargeTurn {
    /// The turn of a document, to be kept while it is in memory; none for one that is not large. Waits for the one before.
    pub(super) fn take(
        &self,
        reader: &Reader,
        fps: &StageFps,
        doc: DocId,
    ) -> Result<Option<MutexGuard<'_, ()>>, StoreError> {
        let is_large = reader.stored_bytes::<ParsedDocument>(fps, doc)? >= LARGE;
        // A panic of another holder says nothing about the turn.
        Ok(is_large.then(|| self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
