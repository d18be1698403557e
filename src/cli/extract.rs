//! `corpora extract FILE`.

use std::io::Write;

use super::exit::{CommandError, Exit};
use super::one_document::{Input, extracted, read};
use super::screen;
use super::vocabulary_args::ExtractArgs;

/// Prints what the embedded provider finds.
pub(super) fn run(args: &ExtractArgs) -> Result<Exit, CommandError> {
    let extracted = match read(&args.file, &args.reading)? {
        Input::Parsed(parsed) => extracted(parsed, &args.pipeline)?,
        Input::Extracted(_) => {
            let message = format!("'{}' is extracted already; give it to 'corpora output'", args.file.display());
            return Err(CommandError::bad_input(message));
        }
    };
    let mut out = std::io::BufWriter::new(screen::json());
    serde_json::to_writer_pretty(&mut out, &extracted).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush().map(|()| Exit::Done)?)
}
