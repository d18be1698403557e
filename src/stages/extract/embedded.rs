//! Findings of the embedded provider in one document, without a store.

use super::{assemble, local};
use crate::stages::pipeline::Method;
use crate::values::{Chunk, Extraction, ParsedDocument};

/// The items of a document as the embedded provider finds them: equal to what a run with it stores.
pub fn extract_embedded(method: &Method, document: &ParsedDocument, chunks: &[Chunk]) -> Extraction {
    match method {
        Method::Terms(settings) => local::terms(document, settings),
        Method::Passages(settings) => {
            let found: Vec<_> = chunks.iter().map(|c| local::definitions(c.span.of(&document.text))).collect();
            assemble(document, chunks, &found, settings)
        }
    }
}
