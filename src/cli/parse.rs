//! `corpora parse FILE`.

use std::io::Write;
use std::path::Path;

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
    let named = |reason: &dyn std::fmt::Display| CommandError::bad_input(format!("{}: {reason}", args.file.display()));
    let bytes = std::fs::read(&args.file).map_err(|e| named(&format!("the file cannot be read: {e}")))?;
    let document = document(&args.file, &bytes, &settings)?;
    let mut out = std::io::BufWriter::new(screen::data());
    match args.format {
        ParseFormat::Text => out.write_all(document.text.as_bytes())?,
        ParseFormat::Markdown => out.write_all(markdown(&document).as_bytes())?,
        ParseFormat::Json => {
            let parsed = Parsed::new(&args.file, Fingerprint::of(&bytes), document);
            serde_json::to_writer_pretty(&mut out, &parsed).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(out.flush().map(|()| Exit::Done)?)
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
