//! `corpora diff DIR1 DIR2`.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::exit::{CommandError, Exit};
use super::progress::{counted, grouped};
use super::vocabulary_args::DiffArgs;
use super::{paint, screen};
use crate::engine::{Compared, Comparison, Difference, Master, Way};
use crate::values::{MASTER_FILE, Shown};

/// Characters of a definition that are shown.
const SHOWN: usize = 160;

/// Says what the masters of two folders have differently.
pub(super) fn run(args: &DiffArgs) -> Result<Exit, CommandError> {
    let (mut one, mut two) = (master(&args.one)?, master(&args.two)?);
    let scratch =
        tempfile::tempdir().map_err(|e| CommandError::bad_input(format!("there is no place to sort in: {e}")))?;
    let mut comparison = Comparison::of([&mut one, &mut two], args.most, scratch.path())?;
    let exit = if args.exit_code && !comparison.are_alike() { Exit::Different } else { Exit::Done };
    if args.json {
        screen::print_json(&as_json(&mut comparison))?;
        return Ok(exit);
    }
    let mut out = std::io::BufWriter::new(screen::out());
    writeln!(
        out,
        "{} and {}, {} alike",
        counted(comparison.terms[0], "term", "terms"),
        grouped(comparison.terms[1]),
        grouped(comparison.same)
    )?;
    for way in Way::ALL {
        let differences = comparison.take_differences(way);
        let count = differences.count;
        if count == 0 {
            continue;
        }
        let most = differences.most();
        let more =
            if (most.len() as u64) < count { format!(", the first {} of them", most.len()) } else { String::new() };
        writeln!(out, "\n{}{more}", paint::bold(format!("{}: {}", heading(way), grouped(count))))?;
        for difference in &most {
            tell(&mut out, way, difference)?;
        }
    }
    out.flush()?;
    Ok(exit)
}

fn master(folder: &Path) -> Result<Master, CommandError> {
    if !folder.is_dir() {
        return Err(CommandError::bad_input(format!(
            "'{}' is not a folder; give two output folders",
            folder.display()
        )));
    }
    Master::open(folder)?.ok_or_else(|| {
        CommandError::bad_input(format!(
            "there is no {MASTER_FILE} in '{0}'; 'corpora consolidate {0}' makes it",
            folder.display()
        ))
    })
}

fn heading(way: Way) -> &'static str {
    match way {
        Way::Added => "only in the second",
        Way::Gone => "only in the first",
        Way::Moved => "much higher or lower",
        Way::Definition => "another definition",
        Way::Kind => "another kind",
        Way::Category => "another category",
    }
}

fn tell(out: &mut impl Write, way: Way, difference: &Difference) -> std::io::Result<()> {
    let (before, after) = (difference.before.as_ref(), difference.after.as_ref());
    let Some(shown) = after.or(before) else { return Ok(()) };
    let text = Shown(&shown.text);
    let rank = |side: Option<&Compared>| side.map(|side| grouped(side.rank)).unwrap_or_default();
    let said = |of: fn(&Compared) -> Option<&String>, side: Option<&Compared>| match side.and_then(of) {
        Some(words) => Shown(&short(words)).to_string(),
        None => "nothing".to_owned(),
    };
    let of: fn(&Compared) -> Option<&String> = match way {
        Way::Added => return writeln!(out, "  {} {text}   rank {}", paint::green('+'), rank(after)),
        Way::Gone => return writeln!(out, "  {} {text}   rank {}", paint::red('-'), rank(before)),
        Way::Moved => return writeln!(out, "  {text}   rank {} -> {}", rank(before), rank(after)),
        Way::Definition => |side| side.definition.as_ref(),
        Way::Kind => |side| side.kind.as_ref(),
        Way::Category => |side| side.category.as_ref(),
    };
    writeln!(out, "  {text}")?;
    writeln!(out, "    {} {}", paint::red('-'), said(of, before))?;
    writeln!(out, "    {} {}", paint::green('+'), said(of, after))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

/// The comparison as JSON: `schemas/difference.schema.json`.
fn as_json(comparison: &mut Comparison) -> serde_json::Value {
    let (terms, same, alike) = (comparison.terms, comparison.same, comparison.are_alike());
    let ways = Way::ALL.map(|way| {
        let differences = comparison.take_differences(way);
        let count = differences.count;
        (way.word().to_owned(), json!({"count": count, "terms": differences.most()}))
    });
    let mut told = serde_json::Map::from_iter(ways);
    told.insert("alike".into(), alike.into());
    told.insert("same".into(), same.into());
    told.insert("terms".into(), json!(terms));
    told.into()
}
