//! Counts in which context the terms of documents were asked about.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::stages::extract::Context;
use crate::values::plural;

/// Numbers of documents whose terms were asked about in each context.
#[derive(Default)]
pub(super) struct Contexts {
    sentences: AtomicU64,
    chunks: AtomicU64,
}

impl Contexts {
    /// Counts a document.
    pub(super) fn count(&self, context: Option<Context>) {
        match context {
            Some(Context::Candidates) => _ = self.sentences.fetch_add(1, Ordering::Relaxed),
            Some(Context::Chunks) => _ = self.chunks.fetch_add(1, Ordering::Relaxed),
            None => {}
        }
    }

    /// Message about it, if there was anything to choose.
    pub(super) fn message(&self) -> Option<String> {
        let (sentences, chunks) = (self.sentences.load(Ordering::Relaxed), self.chunks.load(Ordering::Relaxed));
        let of = |n| plural(n, "document", "documents");
        (sentences + chunks > 0).then(|| {
            format!(
                "a model is told a sentence for each term of {}, and the chunks with the terms of {} (--context)",
                of(sentences),
                of(chunks)
            )
        })
    }
}
