//! References from the marks of notes to the notes, in one document of several files.

use std::collections::HashMap;

use crate::archive::resolve;
use corpora_values::{Mark, MarkKind, Span};

/// Places that are kept of one document; what is beyond is not referred to.
const MOST_ANCHORS: usize = 500_000;

/// Places that may be referred to, and the references to them.
#[derive(Debug, Default)]
pub(super) struct References {
    /// Blocks by the path of their file and their id, with a number sign between them.
    anchors: HashMap<String, u32>,
    open: Vec<(Span, String)>,
}

impl References {
    /// A block begins at an id of a file.
    pub(super) fn anchor(&mut self, path: &str, id: &str, block: u32) {
        if self.anchors.len() < MOST_ANCHORS {
            self.anchors.entry(format!("{}#{id}", path.to_lowercase())).or_insert(block);
        }
    }

    /// A run of text refers to a place, as the file at `path` has it.
    pub(super) fn refer(&mut self, span: Span, path: &str, reference: &str) {
        if let Some((path, Some(id))) = resolve(path, reference) {
            self.open.push((span, format!("{}#{id}", path.to_lowercase())));
        }
    }

    /// The references that lead to a block of the document.
    pub(super) fn resolved(self) -> impl Iterator<Item = Mark> {
        let Self { anchors, open } = self;
        open.into_iter().filter_map(move |(span, key)| {
            anchors.get(&key).map(|&block| Mark { kind: MarkKind::NoteReference(block), span })
        })
    }
}
