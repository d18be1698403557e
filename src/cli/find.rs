//! `corpora find TERM DIR`.

use std::io::Write;
use std::ops::ControlFlow;

use serde_json::json;

use super::exit::{CommandError, Exit};
use super::saved::saved_fps;
use super::vocabulary_args::FindArgs;
use super::{paint, screen};
use crate::engine::{FoundPassage, Master, Sought};
use crate::store::Store;
use crate::values::{Shown, plural};

/// Columns where nobody knows them.
const COLUMNS: usize = 100;

/// Characters on each side in JSON, where no screen says how many fit.
const CONTEXT: usize = 80;

/// Prints every passage of a term, the term in the middle of its line.
pub(super) fn run(args: &FindArgs) -> Result<Exit, CommandError> {
    let folder = args.folder.existing()?;
    let store = Store::open_existing(&folder)?;
    let reader = store.reader()?;
    let fps = saved_fps(&reader, &folder)?;
    let spellings = spellings(args, &folder)?;
    let width = screen::out_width().unwrap_or(COLUMNS);
    let context = args.context.unwrap_or(if args.json { CONTEXT } else { (width / 2).saturating_sub(16).max(16) });
    let sought = Sought::new(&spellings, context).map_err(CommandError::bad_input)?;
    let (mut passages, mut sources, mut last) = (0_u64, 0_u64, None);
    let mut trouble = Ok(());
    let mut json = std::io::BufWriter::new(screen::json());
    let mut out = std::io::BufWriter::new(screen::out());
    if args.json {
        write!(json, "{{\"term\":{},\"spellings\":{},\"passages\":[", json!(args.term), json!(spellings))?;
    }
    let (read, unread) = sought.find(&reader, &fps, &mut |passage| {
        if args.most.is_some_and(|most| passages >= most) {
            return ControlFlow::Break(());
        }
        passages += 1;
        let is_new = last.as_ref() != Some(&passage.source);
        sources += u64::from(is_new);
        trouble = match args.json {
            true => write!(json, "{}\n{}", if passages > 1 { "," } else { "" }, as_json(&passage)),
            false => tell(&mut out, &passage, is_new, context),
        };
        last = Some(passage.source);
        if trouble.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    trouble?;
    if args.json {
        writeln!(json, "\n],\"documents\":{sources},\"read\":{read},\"unread\":{unread}}}")?;
        json.flush()?;
        return Ok(Exit::Done);
    }
    out.flush()?;
    let mut err = screen::err();
    let unread = if unread > 0 { format!("; {} not read yet", plural(unread, "file", "files")) } else { String::new() };
    let also: Vec<&str> = spellings.iter().skip(1).map(String::as_str).collect();
    let also = if also.is_empty() { String::new() } else { format!("; also looked for: {}", Shown(&also.join(", "))) };
    let (passages, files) = (plural(passages, "passage", "passages"), plural(sources, "file", "files"));
    writeln!(err, "{passages} in {files} of {read}{unread}{also}")?;
    Ok(Exit::Done)
}

/// The words, and with them the spellings of the term that they name.
fn spellings(args: &FindArgs, folder: &std::path::Path) -> Result<Vec<String>, CommandError> {
    let mut all = vec![args.term.clone()];
    if let Some(mut master) = Master::open(folder)?
        && !args.exactly
        && let Some(entry) = master.find(&[&args.term])?.into_iter().flatten().next()
    {
        let variants = entry.variants.into_iter().map(|variant| variant.text);
        for text in std::iter::once(entry.text).chain(variants).chain(entry.aliases).chain(entry.renamed_from) {
            if !all.contains(&text) {
                all.push(text);
            }
        }
    }
    Ok(all)
}

fn tell(out: &mut impl Write, passage: &FoundPassage, is_new: bool, context: usize) -> std::io::Result<()> {
    if is_new {
        writeln!(out, "{}", paint::bold(Shown(&passage.source)))?;
    }
    let printed = passage.page.as_ref().map(|page| format!(", page {page}")).unwrap_or_default();
    let label = passage.section_label.as_ref().filter(|label| **label != passage.section.to_string());
    let label = label.map(|label| format!(" ({label})")).unwrap_or_default();
    let at = format!("{} {}{label}{printed}", passage.section_kind.name(), passage.section);
    let pad = " ".repeat((context + 1).saturating_sub(passage.before.chars().count()));
    let (before, found, after) = (Shown(&passage.before), paint::yellow(Shown(&passage.found)), Shown(&passage.after));
    writeln!(out, "  {pad}{before}{found}{after}  {}", paint::faint(Shown(&at)))
}

/// A passage of `schemas/found.schema.json`.
fn as_json(p: &FoundPassage) -> serde_json::Value {
    json!({
        "source": p.source, "section_kind": p.section_kind.name(), "section": p.section, "section_label": p.section_label,
        "page": p.page, "start": p.start, "end": p.end, "before": p.before, "found": p.found, "after": p.after,
    })
}
