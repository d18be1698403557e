//! The language of a folder's documents.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::columns::ExportError;
use crate::engine::vocabulary::consolidate::each_vocabulary_file;

/// What stands where no document says its language (<https://www.rfc-editor.org/rfc/rfc5646#section-4.1>).
const UNDETERMINED: &str = "und";

/// The language that most documents of a folder have, a tag of BCP 47; `und` if none says one.
///
/// # Errors
/// If the folder cannot be read.
pub fn commonest_language(folder: &Path) -> Result<String, ExportError> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    each_vocabulary_file(folder, &mut |path| -> Result<(), ExportError> {
        if let Some(language) = of_file(path) {
            *counts.entry(language).or_default() += 1;
        }
        Ok(())
    })?;
    let best = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    Ok(best.map_or_else(|| UNDETERMINED.to_owned(), |(language, _)| language))
}

/// The language of a vocabulary file, whose metadata are its first line.
fn of_file(path: &Path) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        language: Option<String>,
    }
    let mut line = String::new();
    BufReader::new(std::fs::File::open(path).ok()?).read_line(&mut line).ok()?;
    let json = line.trim_end().trim_end_matches(',').strip_prefix("{\"metadata\":")?;
    let language = serde_json::from_str::<Head>(json).ok()?.language?;
    is_language_tag(&language).then_some(language)
}

/// Test whether a text has the form of a language tag: books say all kinds of things.
pub fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().is_some_and(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    first && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}
