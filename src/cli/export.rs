//! `corpora export DIR`.

use std::io::Write;

use super::exit::{CommandError, Exit};
use super::progress::grouped;
use super::screen;
use super::vocabulary_args::{ExportArgs, ExportFormatArg};
use crate::engine::{ExportError, ExportSource, ExportTable};

impl From<ExportError> for CommandError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Empty(_) => Self { exit: Exit::NoDocuments, message: error.to_string() },
            ExportError::Write(source) if source.kind() == std::io::ErrorKind::BrokenPipe => source.into(),
            ExportError::Table(_) => Self { exit: Exit::Internal, message: error.to_string() },
            _ => Self::bad_input(error),
        }
    }
}

/// Writes the table. A file appears whole or not at all.
pub(super) fn run(args: &ExportArgs) -> Result<Exit, CommandError> {
    let folder = args.folder.existing()?;
    let binary = matches!(args.format, ExportFormatArg::Sqlite | ExportFormatArg::Parquet);
    if args.output.is_none() && binary {
        return Err(CommandError::bad_input("this format is not for standard output; give a file with --output"));
    }
    if args.format == ExportFormatArg::Parquet && cfg!(not(feature = "parquet")) {
        return Err(ExportError::NoParquet.into());
    }
    // Beside the file that it becomes, so that moving it there is one step.
    let beside = args.output.as_deref().map(|o| o.parent().filter(|p| !p.as_os_str().is_empty()));
    let scratch = match beside {
        Some(parent) => tempfile::tempdir_in(parent.unwrap_or(std::path::Path::new("."))),
        None => tempfile::tempdir(),
    }
    .map_err(|e| CommandError::bad_input(format!("there is no place for the export: {e}")))?;
    let table = ExportTable::fill(&folder, args.filter.as_deref(), &scratch.path().join("terms.sqlite"))?;
    let (terms, source) = (table.terms, table.source);
    match &args.output {
        None if args.format == ExportFormatArg::Csv => table.write_csv(&mut screen::data(), args.formulas)?,
        None => table.write_lines(&mut std::io::BufWriter::new(screen::data()))?,
        Some(file) => {
            let new = match args.format {
                ExportFormatArg::Sqlite => {
                    table.into_sqlite()?;
                    scratch.path().join("terms.sqlite")
                }
                format => {
                    let new = scratch.path().join("export");
                    let written = std::fs::File::create(&new).map_err(ExportError::Write)?;
                    let mut out = std::io::BufWriter::new(written);
                    match format {
                        ExportFormatArg::Csv => table.write_csv(&mut out, args.formulas)?,
                        ExportFormatArg::Parquet => table.write_parquet(&mut out)?,
                        _ => table.write_lines(&mut out)?,
                    }
                    let written = out.into_inner().map_err(|e| ExportError::Write(e.into_error()))?;
                    written.sync_all().map_err(ExportError::Write)?;
                    new
                }
            };
            std::fs::rename(&new, file)
                .map_err(|e| CommandError::bad_input(format!("cannot write '{}': {e}", file.display())))?;
        }
    }
    if args.json {
        let documents = match source {
            ExportSource::Master => None,
            ExportSource::Documents(n) => Some(n),
        };
        screen::print_json(&serde_json::json!({"terms": terms, "documents": documents, "file": args.output}))?;
        return Ok(Exit::Done);
    }
    let from = match source {
        ExportSource::Master => "the master".to_owned(),
        ExportSource::Documents(n) => {
            format!("{} vocabulary files, because there is no master", grouped(n))
        }
    };
    writeln!(screen::err(), "{} terms of {from}", grouped(terms))?;
    Ok(Exit::Done)
}
