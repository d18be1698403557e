//! `corpora output FILE`.

use std::io::Write;

use super::exit::{CommandError, Exit};
use super::one_document::{Extracted, Input, extracted, read};
use super::screen;
use super::vocabulary_args::OutputArgs;
use crate::stages::write::render;
use crate::values::{Extraction, SourcePath};

/// Prints the vocabulary file.
pub(super) fn run(args: &OutputArgs) -> Result<Exit, CommandError> {
    let list = args.blocklist.resolve()?;
    let Extracted { origin, items, parsed } = match read(&args.file, &args.reading)? {
        Input::Parsed(parsed) => extracted(parsed, &args.pipeline)?,
        Input::Extracted(extracted) => extracted,
    };
    let path = SourcePath::from_text(parsed.source_path.as_str());
    let extraction = Extraction { items };
    let vocabulary = render(&path, parsed.source_hash, &parsed.document, &extraction, &origin, list.as_ref());
    screen::data().write_all(&vocabulary.to_bytes())?;
    Ok(Exit::Done)
}
