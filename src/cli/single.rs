//! `corpora extract FILE` and `corpora output FILE`: the steps of one document, for people who script them.

use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::ParsingArgs;
use super::exit::{CommandError, Exit};
use super::vocabulary_args::{ExtractArgs, OutputArgs};
use super::{blocklist, parse, parsing};
use crate::pipelines;
use crate::stages::chunk;
use crate::stages::extract::{extract_embedded, remarks};
use crate::stages::pipeline::Pipeline;
use crate::stages::write::{Origin, render, to_bytes};
use crate::values::{Extraction, Fingerprint, Item, ParsedDocument, SourcePath, Span};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What `corpora parse --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Parsed {
    /// Name of the file.
    source_path: String,
    /// SHA-256 of its bytes.
    source_hash: Fingerprint,
    #[serde(flatten)]
    document: ParsedDocument,
}

impl Parsed {
    pub(super) fn new(file: &Path, source_hash: Fingerprint, document: ParsedDocument) -> Self {
        let source_path = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { source_path, source_hash, document }
    }
}

/// What `corpora extract` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Extracted {
    #[serde(flatten)]
    origin: Origin,
    items: Vec<Item>,
    parsed: Parsed,
}

enum Input {
    Parsed(Parsed),
    Extracted(Extracted),
}

/// Prints what the embedded provider finds.
pub(super) fn extract(args: &ExtractArgs) -> Result<Exit, CommandError> {
    let extracted = match read(&args.file)? {
        Input::Parsed(parsed) => extracted(parsed, args.pipeline.as_deref())?,
        Input::Extracted(_) => {
            let message = format!("'{}' is extracted already; give it to 'corpora output'", args.file.display());
            return Err(CommandError::bad_input(message));
        }
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, &extracted).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush().map(|()| Exit::Done)?)
}

/// Prints the vocabulary file.
pub(super) fn output(args: &OutputArgs) -> Result<Exit, CommandError> {
    let list = blocklist::read(args.blocklist.as_deref())?;
    let Extracted { origin, items, parsed } = match read(&args.file)? {
        Input::Parsed(parsed) => extracted(parsed, args.pipeline.as_deref())?,
        Input::Extracted(extracted) => extracted,
    };
    let path = SourcePath::from_text(parsed.source_path.as_str());
    let extraction = Extraction { items };
    let vocabulary = render(&path, parsed.source_hash, &parsed.document, &extraction, &origin, list.as_ref());
    std::io::stdout().write_all(&to_bytes(&vocabulary))?;
    Ok(Exit::Done)
}

fn extracted(parsed: Parsed, name: Option<&str>) -> Result<Extracted, CommandError> {
    let pipeline: Pipeline = pipelines::find(name.unwrap_or("vocabulary")).map_err(CommandError::bad_input)?;
    if pipeline.provider.name != "local" {
        return Err(CommandError::bad_input(format!(
            "the pipeline '{}' asks '{}'; one document is extracted by the embedded provider only, because nothing that was paid for would be kept: use 'corpora batch'",
            pipeline.name, pipeline.provider.name
        )));
    }
    let chunks = chunk::chunk(&parsed.document, pipeline.chunk);
    let extraction = extract_embedded(&pipeline.method, &parsed.document, &chunks);
    for remark in remarks(&pipeline.method, &parsed.document, &extraction) {
        writeln!(std::io::stderr(), "{}: {remark}", parsed.source_path)?;
    }
    let items = extraction.items;
    let origin = Origin { pipeline: pipeline.name, provider: pipeline.provider.name, model: None };
    Ok(Extracted { origin, items, parsed })
}

/// Reads a document, or what a command before this one printed.
fn read(file: &Path) -> Result<Input, CommandError> {
    let bad = |reason: &dyn std::fmt::Display| CommandError::bad_input(format!("{}: {reason}", file.display()));
    let mut bytes = Vec::new();
    match file == Path::new(STANDARD_INPUT) {
        true => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(file).map(|read| bytes = read),
    }
    .map_err(|e| bad(&format!("it cannot be read: {e}")))?;
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let document = parse::document(file, &bytes, &parsing::resolve(&ParsingArgs::default())?)?;
        return Ok(Input::Parsed(Parsed::new(file, Fingerprint::of(&bytes), document)));
    }
    let shape = |e: serde_json::Error| {
        bad(&format!(
            "it is neither a document nor what 'corpora parse --format json' or 'corpora extract' print ({e})"
        ))
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(shape)?;
    let input = match value.get("items").is_some() {
        true => Input::Extracted(serde_json::from_value(value).map_err(shape)?),
        false => Input::Parsed(serde_json::from_value(value).map_err(shape)?),
    };
    let (document, items) = match &input {
        Input::Parsed(parsed) => (&parsed.document, &[][..]),
        Input::Extracted(extracted) => (&extracted.parsed.document, &extracted.items[..]),
    };
    check(document, items).map_err(|e| bad(&e))?;
    Ok(input)
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
