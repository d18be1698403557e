//! `corpora report DIR`.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use super::decide::{known, standing};
use super::night::night;
use super::page::Page;
use super::picture::{Opened, step_words};
use crate::cli::exit::{CommandError, Exit};
use crate::cli::look_args::ReportArgs;
use crate::cli::progress::{counted, grouped};
use crate::cli::screen;
use crate::engine::{Look, LookError, write_report};

/// Name of a report where none was given.
const NAME: &str = "report.html";

/// Bytes above which a report is hard to send.
const LARGE: u64 = 10 << 20;

impl From<LookError> for CommandError {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Empty(_) => Self { exit: Exit::NoDocuments, message: error.to_string() },
            LookError::Terms(error) => error.into(),
            LookError::Store(error) => error.into(),
            LookError::Io(error) => Self::bad_input(format!("the report cannot be made: {error}")),
            LookError::Missing(_) => Self::bad_input(error),
            LookError::Database(_) | LookError::Stopped => Self { exit: Exit::Internal, message: error.to_string() },
        }
    }
}

/// Writes the report. The file appears whole or not at all.
pub(in crate::cli) fn run(args: &ReportArgs) -> Result<Exit, CommandError> {
    let folder = args.folder.existing()?;
    let output = args.output.clone().unwrap_or_else(|| folder.join(NAME));
    let cannot =
        |e: &dyn std::fmt::Display| CommandError::bad_input(format!("cannot write '{}': {e}", output.display()));
    let parent =
        output.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(|e| cannot(&e))?;
    let opened = Opened::of(&folder)?;
    let source = Opened::source(opened.as_ref());
    let watched = screen::is_watched();
    let mut told = Instant::now();
    let look = Look::of(&folder, source, &mut |step| {
        if watched && told.elapsed() > Duration::from_secs(1) {
            told = Instant::now();
            screen::in_place(&step_words(step));
        }
        true
    })?;
    let more = json!({ "night": night(&folder, opened.as_ref(), false)?, "decisions": standing(&known(&folder)?) });
    let page = Page::new(false);
    let mut out = std::io::BufWriter::with_capacity(1 << 16, file.as_file_mut());
    out.write_all(page.before.as_bytes()).map_err(|e| cannot(&e))?;
    out.write_all(b"<script type=\"application/json\" id=\"data\">").map_err(|e| cannot(&e))?;
    let terms = write_report(&look, source, args.top, &more, &mut out)?;
    out.write_all(b"</script>\n").and_then(|()| out.write_all(page.after.as_bytes())).map_err(|e| cannot(&e))?;
    out.flush().map_err(|e| cannot(&e))?;
    drop(out);
    file.as_file().sync_all().map_err(|e| cannot(&e))?;
    let bytes = file.as_file().metadata().map_err(|e| cannot(&e))?.len();
    readable(file.as_file()).map_err(|e| cannot(&e))?;
    file.persist(&output).map_err(|e| cannot(&e.error))?;
    let all = look.shelf()?.terms;
    if args.json {
        screen::print_json(&json!({"file": output, "bytes": bytes, "terms": terms, "terms_in_all": all}))?;
        return Ok(Exit::Done);
    }
    let mut notes = screen::notes(args.quiet.quiet);
    let of = if terms < all {
        format!("the best {} of {} terms", grouped(terms), grouped(all))
    } else {
        counted(terms, "term", "terms")
    };
    writeln!(notes, "{of} in '{}', {:.1} MB", output.display(), bytes as f64 / 1e6)?;
    if bytes > LARGE {
        writeln!(notes, "that is much for a mail; --top takes the best so many terms")?;
    }
    Ok(Exit::Done)
}

/// Gives a file the permissions that a new file has: a temporary one is its user's alone.
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mask = rustix::process::umask(rustix::fs::Mode::empty());
    rustix::process::umask(mask);
    file.set_permissions(std::fs::Permissions::from_mode(0o666 & !mask.bits()))
}
