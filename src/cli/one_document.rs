//! The steps of one document, for people who script them: what `parse`, `extract` and `output` hand to each other.

use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::ReadingArgs;
use super::exit::CommandError;
use super::parse;
use super::screen;
use crate::settings::PipelineSettings;
use crate::stages::extract::{extract_embedded, remarks};
use crate::stages::write::Origin;
use crate::values::{Fingerprint, Item, ParsedDocument, Shown, Span};

/// Name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Output of `corpora parse --format json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Parsed {
    /// Name of the file.
    pub(super) source_path: String,
    /// SHA-256 of its bytes.
    pub(super) source_hash: Fingerprint,
    #[serde(flatten)]
    pub(super) document: ParsedDocument,
}

impl Parsed {
    pub(super) fn new(file: &Path, source_hash: Fingerprint, document: ParsedDocument) -> Self {
        let source_path = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { source_path, source_hash, document }
    }
}

/// Output of `corpora extract`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Extracted {
    #[serde(flatten)]
    pub(super) origin: Origin,
    pub(super) items: Vec<Item>,
    pub(super) parsed: Parsed,
}

/// Input that was given: a document, read by now, or what was found in one.
pub(super) enum Input {
    /// A document.
    Parsed(Parsed),
    /// Output of `corpora extract`.
    Extracted(Extracted),
}

/// Extracts with the embedded provider, and tells what a person should know of it.
///
/// # Errors
/// For a pipeline that cannot be used, or that asks another provider.
pub(super) fn extracted(parsed: Parsed, pipeline: &PipelineSettings) -> Result<Extracted, CommandError> {
    let pipeline = pipeline.resolve(None)?.pipeline;
    if pipeline.provider.name != "local" {
        return Err(CommandError::bad_input(format!(
            "the pipeline '{}' asks '{}'; one document is extracted by the embedded provider only, because nothing that was paid for would be kept: use 'corpora batch'",
            pipeline.name, pipeline.provider.name
        )));
    }
    let extraction = extract_embedded(&pipeline.method, &parsed.document);
    for remark in remarks(&pipeline.method, &parsed.document, &extraction) {
        writeln!(screen::err(), "{}: {}", parsed.source_path, Shown(&remark))?;
    }
    let items = extraction.items;
    let origin = Origin { pipeline: pipeline.name, provider: pipeline.provider.name, model: None };
    Ok(Extracted { origin, items, parsed })
}

/// Reads a document, or what a command before this one printed.
///
/// # Errors
/// For what cannot be read, is neither, or no longer fits together.
pub(super) fn read(file: &Path, reading: &ReadingArgs) -> Result<Input, CommandError> {
    let bad = |reason: &dyn std::fmt::Display| CommandError::bad_input(format!("{}: {reason}", file.display()));
    let mut bytes = Vec::new();
    if file == Path::new(STANDARD_INPUT) {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    }
    .map_err(|e| bad(&format!("it cannot be read: {e}")))?;
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        // A worker reads a file by its name.
        let kept = match file == Path::new(STANDARD_INPUT) {
            true => Some(kept(&bytes).map_err(|e| bad(&format!("it cannot be kept in a temporary file: {e}")))?),
            false => None,
        };
        let from = kept.as_ref().map_or(file, |kept| kept.path());
        return Ok(Input::Parsed(parse::with_parser(reading, |parser| parse::parsed(file, from, &bytes, parser))??));
    }
    let shape = |e: serde_json::Error| {
        bad(&format!(
            "it is neither a document nor what 'corpora parse --format json' or 'corpora extract' print ({e})"
        ))
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(shape)?;
    let input = if value.get("items").is_some() {
        Input::Extracted(serde_json::from_value(value).map_err(shape)?)
    } else {
        Input::Parsed(serde_json::from_value(value).map_err(shape)?)
    };
    let (document, items) = match &input {
        Input::Parsed(parsed) => (&parsed.document, &[][..]),
        Input::Extracted(extracted) => (&extracted.parsed.document, &extracted.items[..]),
    };
    check(document, items).map_err(|e| bad(&e))?;
    Ok(input)
}

/// A document in a temporary file, which goes away with it.
fn kept(bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Text that somebody changed would no longer fit the places that are counted in it.
fn check(document: &ParsedDocument, items: &[Item]) -> Result<(), String> {
    let text = &document.text;
    let spans = document.sections.iter().map(|s| s.span).chain(document.blocks.iter().map(|b| b.span));
    let found = items.iter().flat_map(|i| i.occurrences.iter().chain(&i.definition)).copied();
    let fits = |span: &Span| span.start <= span.end && text.get(span.start as usize..span.end as usize).is_some();
    match spans.chain(found).find(|span| !fits(span)) {
        None => Ok(()),
        Some(span) => Err(format!(
            "its text has no place {} to {}, counted in bytes; text that is edited has to be parsed again",
            span.start, span.end
        )),
    }
}
