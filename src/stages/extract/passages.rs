//! The `passages` method: each chunk is a unit that a model is asked about.

use serde::{Deserialize, Serialize};

use crate::values::{Fingerprint, KeyWriter};

/// Rules by which answers to passages are put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassageSettings {
    /// Items kept of one chunk, in text order.
    pub max_items: usize,
    /// The field of an item that holds the term.
    #[serde(default = "term_field")]
    pub term_field: String,
    /// The field of an item that holds its evidence, word for word; the term itself if there is none.
    #[serde(default)]
    pub evidence_field: Option<String>,
}

fn term_field() -> String {
    "term".into()
}

/// The key of a unit: its text alone, so that the same passage anywhere in the corpus is asked about once.
pub fn unit_key(passage: &str) -> Fingerprint {
    KeyWriter::new("unit").text(passage).finish()
}
