//! `corpora export DIR`.

use std::io::Write;
use std::path::Path;

use super::exit::{CommandError, Exit};
use super::progress::counted;
use super::screen;
use super::vocabulary_args::{ExportArgs, ExportFormatArg, ExportSortArg};
use crate::engine::{
    ExportChoice, ExportError, ExportOrder, ExportRows, ExportSource, ExportTable, commonest_language,
};

/// Mark at the begin of a file by which Excel knows UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

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

/// Writes the table. A file or a folder appears whole or not at all.
pub(super) fn run(args: &ExportArgs) -> Result<Exit, CommandError> {
    use ExportFormatArg as Format;
    let folder = args.folder.existing()?;
    if args.output.is_none()
        && matches!(args.format, Format::Sqlite | Format::Parquet | Format::Xlsx | Format::Obsidian)
    {
        return Err(CommandError::bad_input("this format is not for standard output; give a file with --output"));
    }
    if args.format == Format::Parquet && cfg!(not(feature = "parquet")) {
        return Err(ExportError::NoParquet.into());
    }
    if args.occurrences && !matches!(args.format, Format::Csv | Format::Jsonl | Format::Parquet) {
        return Err(CommandError::bad_input(
            "--occurrences goes with csv, jsonl and parquet; xlsx and sqlite have terms and occurrences in one file",
        ));
    }
    if args.excel && args.format != Format::Csv {
        return Err(CommandError::bad_input("--excel goes with csv; xlsx is a workbook by itself"));
    }
    let language = match (&args.language, args.format) {
        (Some(language), _) => language.clone(),
        (None, Format::Tbx | Format::Skos) => commonest_language(&folder)?,
        (None, _) => String::new(),
    };
    // Beside the file that it becomes, so that moving it there is one step.
    let beside = args.output.as_deref().map(|o| o.parent().filter(|p| !p.as_os_str().is_empty()));
    let scratch = match beside {
        Some(parent) => tempfile::tempdir_in(parent.unwrap_or(Path::new("."))),
        None => tempfile::tempdir(),
    }
    .map_err(|e| CommandError::bad_input(format!("there is no place for the export: {e}")))?;
    let choice = ExportChoice {
        condition: args.filter.as_deref(),
        top: args.top,
        order: order(args.sort),
        occurrences: args.occurrences || matches!(args.format, Format::Xlsx | Format::Sqlite),
    };
    let table = ExportTable::fill(&folder, &choice, &scratch.path().join("terms.sqlite"))?;
    let (terms, occurrences, source) = (table.terms, table.occurrences, table.source);
    match &args.output {
        None => text(args, &table, &language, &mut std::io::BufWriter::new(screen::data()))?,
        Some(file) => to_file(args, table, &language, scratch.path(), file)?,
    }
    if args.json {
        let documents = match source {
            ExportSource::Master => None,
            ExportSource::Documents(n) => Some(n),
        };
        let file = &args.output;
        let told =
            serde_json::json!({"terms": terms, "occurrences": occurrences, "documents": documents, "file": file});
        screen::print_json(&told)?;
        return Ok(Exit::Done);
    }
    let from = match source {
        ExportSource::Master => "the master".to_owned(),
        ExportSource::Documents(n) => {
            format!("{}, because there is no master", counted(n, "vocabulary file", "vocabulary files"))
        }
    };
    writeln!(screen::notes(args.quiet.quiet), "{} of {from}", counted(terms, "term", "terms"))?;
    Ok(Exit::Done)
}

fn order(sort: ExportSortArg) -> ExportOrder {
    match sort {
        ExportSortArg::Rank => ExportOrder::Rank,
        ExportSortArg::Text => ExportOrder::Text,
        ExportSortArg::Documents => ExportOrder::Documents,
        ExportSortArg::Occurrences => ExportOrder::Occurrences,
        ExportSortArg::Source => ExportOrder::Source,
    }
}

/// Writes a format that is text.
fn text(args: &ExportArgs, table: &ExportTable, language: &str, out: &mut dyn Write) -> Result<(), ExportError> {
    let rows = if args.occurrences { ExportRows::Occurrences } else { ExportRows::Terms };
    match args.format {
        ExportFormatArg::Csv => {
            if args.excel {
                out.write_all(BYTE_ORDER_MARK.as_bytes())?;
            }
            table.write_csv(out, rows, args.formulas)
        }
        ExportFormatArg::Tbx => table.write_tbx(out, language),
        ExportFormatArg::Skos => table.write_skos(out, language),
        ExportFormatArg::Markdown => table.write_markdown(out),
        ExportFormatArg::Anki => table.write_anki(out),
        ExportFormatArg::Foundry => table.write_journal(out),
        _ => table.write_lines(out, rows),
    }
}

/// Writes any format beside its place, and moves it there.
fn to_file(
    args: &ExportArgs,
    table: ExportTable,
    language: &str,
    scratch: &Path,
    file: &Path,
) -> Result<(), CommandError> {
    let new = scratch.join("export");
    match args.format {
        ExportFormatArg::Sqlite => {
            table.into_sqlite()?;
            std::fs::rename(scratch.join("terms.sqlite"), &new).map_err(ExportError::Write)?;
        }
        ExportFormatArg::Obsidian => {
            // An empty folder may stand there; whatever holds something is not ours to replace.
            let is_taken = match std::fs::read_dir(file) {
                Ok(mut entries) => entries.next().is_some(),
                Err(e) => e.kind() != std::io::ErrorKind::NotFound,
            };
            if is_taken {
                return Err(ExportError::Occupied(file.to_path_buf()).into());
            }
            table.write_vault(&new)?;
        }
        format => {
            let written = std::fs::File::create(&new).map_err(ExportError::Write)?;
            let mut out = std::io::BufWriter::new(written);
            let rows = if args.occurrences { ExportRows::Occurrences } else { ExportRows::Terms };
            match format {
                ExportFormatArg::Parquet => table.write_parquet(&mut out, rows)?,
                ExportFormatArg::Xlsx => table.write_xlsx(&mut out)?,
                _ => text(args, &table, language, &mut out)?,
            }
            let written = out.into_inner().map_err(|e| ExportError::Write(e.into_error()))?;
            written.sync_all().map_err(ExportError::Write)?;
        }
    }
    std::fs::rename(&new, file).map_err(|e| CommandError::bad_input(format!("cannot write '{}': {e}", file.display())))
}
