//! The embedded provider: needs no key and no network, and never invents.

use serde::{Deserialize, Serialize};

use super::TermSettings;
use crate::values::{Extraction, ParsedDocument, Span};

/// Version of the local provider's output.
pub const VERSION: u32 = 1;

/// Finds and ranks a document's terms.
pub fn terms(document: &ParsedDocument, settings: &TermSettings) -> Extraction {
    let _ = (document, settings);
    Extraction::default()
}

/// A term with its defining sentence, as found in one passage. Spans are byte offsets into the passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The term's surface form.
    pub term: Span,
    /// The sentence that defines it.
    pub sentence: Span,
}

/// Finds definitions ("X is a ...", "X: ...", "called X") in one passage; depends on the passage alone.
pub fn definitions(passage: &str) -> Vec<Definition> {
    let _ = passage;
    Vec::new()
}

/// The comparison form of a term.
pub fn canonical_form(text: &str) -> String {
    text.to_lowercase()
}
