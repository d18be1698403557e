//! Parsing of files that belong to no run: what `corpora parse` and its like do.

use std::path::Path;

use super::attempts::StageError;
use super::config::ParseIn;
use super::parser::{Parser, Parsing};
use crate::stages::parse::ParseSettings;
use crate::store;
use crate::values::{Failure, FailureKind, Fingerprint, ParsedDocument};

/// Parser of files, one after the other, in the place that was asked for.
pub struct FileParser<'a> {
    parser: Parser<'a>,
}

impl FileParser<'_> {
    /// The document in a file, which must still have the content `sha`. In a worker a page or chapter that ends it is left out, as in a run.
    ///
    /// # Errors
    /// The cause and the remedy; a worker that cannot be started is one.
    pub fn parse(&mut self, file: &Path, sha: &Fingerprint) -> Result<ParsedDocument, Failure> {
        let parsed = self.parser.parse(file, sha, &mut |_| {}).map_err(|error| match error {
            StageError::Failure(failure) => failure,
            StageError::Run(error) => Failure::new(FailureKind::Io, error.to_string()),
        })?;
        let mut document: ParsedDocument = store::decode(&parsed.artifact)
            .map_err(|words| Failure::new(FailureKind::Internal, format!("the worker's reply: {words}")))?;
        // They stand beside an artifact.
        document.notes = parsed.notes;
        Ok(document)
    }
}

/// Gives `work` a parser of files; a worker that it started ends with it.
pub fn with_file_parser<R>(
    place: &ParseIn,
    settings: &ParseSettings,
    work: impl FnOnce(&mut FileParser<'_>) -> R,
) -> R {
    let parsing = Parsing::of(place, settings);
    work(&mut FileParser { parser: Parser::new(&parsing) })
}
