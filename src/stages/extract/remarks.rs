//! Remarks on what a person should know of a document's terms.

use super::local;
use crate::stages::pipeline::Method;
use crate::values::{Extraction, ParsedDocument};

/// Sentences about an extraction that holds less than somebody may expect: nothing at all, or rough terms because nothing is
/// known of the language.
pub fn remarks(method: &Method, document: &ParsedDocument, extraction: &Extraction) -> Vec<String> {
    let mut remarks = Vec::new();
    if document.text.trim().is_empty() {
        remarks.push("the document holds no text, so it has no terms".to_owned());
    } else if extraction.items.is_empty() {
        remarks.push("no terms were found in its text".to_owned());
    } else if let Method::Terms(settings) = method
        && settings.wanted == local::Wanted::Names
        && document.metadata.language.as_deref().is_some_and(|language| language.starts_with("de"))
    {
        remarks.push(
            "in German every noun has a capital, so its names are not told from other nouns; a model can tell them"
                .to_owned(),
        );
    } else if let (Method::Terms(_), Some(language)) = (method, local::unknown_language(document)) {
        remarks.push(format!(
            "its language '{language}' has no list of stop words here, so its terms are rougher than those of other languages"
        ));
    }
    remarks
}
