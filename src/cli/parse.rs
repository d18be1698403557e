//! `corpora parse FILE`.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{ParseArgs, ParseFormat};
use super::exit::{CommandError, Exit};
use super::markdown::markdown;
use super::one_document::Parsed;
use super::screen;
use crate::engine::parse_here;
use crate::stages::parse::{self, ParseSettings};
use crate::values::{Fingerprint, Format, ParsedDocument, Shown};

/// Prints the text or the structure of one document.
pub(super) fn run(args: &ParseArgs) -> Result<Exit, CommandError> {
    let settings = args.parsing.resolve()?;
    let Some(file) = &args.file else { return lines(&settings) };
    let (bytes, document) = read(file, &settings)?;
    let mut out = std::io::BufWriter::new(screen::data());
    match args.format {
        ParseFormat::Text => out.write_all(document.text.as_bytes())?,
        ParseFormat::Markdown => out.write_all(markdown(&document).as_bytes())?,
        ParseFormat::Json => {
            let parsed = Parsed::new(file, Fingerprint::of(&bytes), document);
            serde_json::to_writer_pretty(&mut out, &parsed).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(out.flush().map(|()| Exit::Done)?)
}

/// Answers paths, a line each, until standard input ends.
fn lines(settings: &ParseSettings) -> Result<Exit, CommandError> {
    let mut out = std::io::BufWriter::new(screen::data());
    for line in std::io::stdin().lines() {
        let line = line.map_err(|e| CommandError::bad_input(format!("standard input cannot be read: {e}")))?;
        let answer = serde_json::from_str::<PathBuf>(&line)
            .map_err(|e| CommandError::bad_input(format!("'{line}' is no path as a JSON string: {e}")))
            .and_then(|file| {
                let (bytes, document) = read(&file, settings)?;
                Ok(Parsed::new(&file, Fingerprint::of(&bytes), document))
            });
        match answer {
            Ok(document) => serde_json::to_writer(&mut out, &json!({ "document": document })),
            Err(error) => serde_json::to_writer(&mut out, &json!({ "error": error.message })),
        }
        .map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(Exit::Done)
}

fn read(file: &Path, settings: &ParseSettings) -> Result<(Vec<u8>, ParsedDocument), CommandError> {
    let bytes = std::fs::read(file)
        .map_err(|e| CommandError::bad_input(format!("{}: the file cannot be read: {e}", file.display())))?;
    let document = document(file, &bytes, settings)?;
    Ok((bytes, document))
}

/// Parses a document, and tells what a person should know of it. Runs in this process: what a hostile file does to it, it does
/// to nobody else.
pub(super) fn document(file: &Path, bytes: &[u8], settings: &ParseSettings) -> Result<ParsedDocument, CommandError> {
    let named = |reason: &dyn std::fmt::Display| CommandError::bad_input(format!("{}: {reason}", file.display()));
    let promised = file.to_str().and_then(Format::of_name);
    parse::check_name(promised, &bytes[..bytes.len().min(4096)])
        .map_err(|failure| CommandError { exit: Exit::AllFailed, message: named(&failure).message })?;
    let document = parse_here(bytes, settings)
        .map_err(|failure| CommandError { exit: Exit::AllFailed, message: named(&failure).message })?;
    let mut notes = screen::err();
    for note in &document.notes {
        writeln!(notes, "{}: {}", file.display(), Shown(note))?;
    }
    Ok(document)
}
