//! `corpora parse FILE`.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{ParseArgs, ParseFormat, ReadingArgs};
use super::batch::own_program;
use super::exit::{CommandError, Exit};
use super::markdown::markdown;
use super::one_document::Parsed;
use super::screen;
use crate::engine::{FileParser, ParseIn, with_file_parser};
use crate::stages::parse;
use crate::values::{Failure, Fingerprint, Format, Shown};

/// Prints the text or the structure of one document.
pub(super) fn run(args: &ParseArgs) -> Result<Exit, CommandError> {
    with_parser(&args.reading, |parser| match &args.file {
        Some(file) => one(file, args.format, parser),
        None => lines(parser),
    })?
}

/// Lets a parser work as these settings say: in a process of its own, so that a document which eats memory or hangs costs what the limits allow.
pub(super) fn with_parser<R>(
    reading: &ReadingArgs,
    work: impl FnOnce(&mut FileParser<'_>) -> R,
) -> Result<R, CommandError> {
    let place = ParseIn::Workers { program: own_program()?, limits: reading.limits.resolve()? };
    Ok(with_file_parser(&place, &reading.parsing.resolve()?, work))
}

fn one(file: &Path, format: ParseFormat, parser: &mut FileParser<'_>) -> Result<Exit, CommandError> {
    let parsed = read(file, parser)?;
    let mut out = std::io::BufWriter::new(screen::data());
    match format {
        ParseFormat::Text => out.write_all(parsed.document.text.as_bytes())?,
        ParseFormat::Markdown => out.write_all(markdown(&parsed.document).as_bytes())?,
        ParseFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &parsed).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(out.flush().map(|()| Exit::Done)?)
}

/// Answers paths, a line each, until standard input ends.
fn lines(parser: &mut FileParser<'_>) -> Result<Exit, CommandError> {
    let mut out = std::io::BufWriter::new(screen::data());
    for line in std::io::stdin().lines() {
        let line = line.map_err(|e| CommandError::bad_input(format!("standard input cannot be read: {e}")))?;
        let answer = serde_json::from_str::<PathBuf>(&line)
            .map_err(|e| CommandError::bad_input(format!("'{line}' is no path as a JSON string: {e}")))
            .and_then(|file| read(&file, parser));
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

fn read(file: &Path, parser: &mut FileParser<'_>) -> Result<Parsed, CommandError> {
    let bytes = std::fs::read(file)
        .map_err(|e| CommandError::bad_input(format!("{}: the file cannot be read: {e}", file.display())))?;
    parsed(file, file, &bytes, parser)
}

/// Parses a document that is called `name` and whose bytes stand in the file `from` too, and tells what a person should know of it.
pub(super) fn parsed(
    name: &Path,
    from: &Path,
    bytes: &[u8],
    parser: &mut FileParser<'_>,
) -> Result<Parsed, CommandError> {
    let named = |failure: Failure| CommandError {
        exit: Exit::AllFailed,
        message: CommandError::bad_input(format!("{}: {failure}", name.display())).message,
    };
    let promised = name.to_str().and_then(Format::of_name);
    parse::check_name(promised, &bytes[..bytes.len().min(4096)]).map_err(named)?;
    // A worker is in no folder of ours.
    let from = std::path::absolute(from)?;
    let sha = Fingerprint::of(bytes);
    let document = parser.parse(&from, &sha).map_err(named)?;
    let mut notes = screen::err();
    for note in &document.notes {
        writeln!(notes, "{}: {}", name.display(), Shown(note))?;
    }
    Ok(Parsed::new(name, sha, document))
}
