//! Findings of the embedded provider in one document, without a store.

use super::local;
use crate::stages::pipeline::Method;
use crate::values::{Extraction, ParsedDocument};

/// The items of a document as the embedded provider finds them: its terms, or those terms that it defines. A whole document is looked at,
/// whatever its chunks, because what its author marks means something only over the whole of it.
pub fn extract_embedded(method: &Method, document: &ParsedDocument) -> Extraction {
    match method {
        Method::Terms(settings) => local::terms(document, settings),
        Method::Passages(_) => local::glossary(document),
    }
}
