//! `corpora verify DIR`.

use std::io::Write;
use std::path::Path;

use super::args::VerifyArgs;
use super::exit::{CommandError, Exit};
use super::progress::grouped;
use super::saved::saved_fps;
use super::screen;
use crate::engine::{
    Agreement, Chain, ChainError, Link, LinkSums, compare_chain, folder_of_inputs, verify, write_chain,
};
use crate::store::{FpId, Reader, StageFps, Store};
use crate::values::{Shown, Stage};

/// Looks at everything in a folder; the exit code is 0 if all of it is as it was made, and 75 if something is not.
pub(super) fn run(args: &VerifyArgs) -> Result<Exit, CommandError> {
    let dir = args.folder.path()?;
    let store = Store::open_existing(dir)?;
    store.check_integrity()?;
    let reader = store.reader()?;
    if !reader.can_be_verified()? {
        let folder = dir.display();
        return Err(CommandError::bad_input(format!(
            "the store in '{folder}' is of an older version, which kept no sums; the next 'corpora batch ... -o {folder}' brings it up to date"
        )));
    }
    let fps = saved_fps(&reader, dir)?;
    // The manifest is for a file: what people read goes to their screen.
    let mut out: Box<dyn Write> = if args.manifest { Box::new(screen::err()) } else { Box::new(screen::out()) };
    let mut wrong = chain(&store, &reader, &fps, args.inputs.as_deref(), &mut out)?;
    if let Some(theirs) = &args.against {
        wrong += against(&store, &reader, &fps, theirs, &mut out)?;
    }
    out.flush()?;
    if args.manifest {
        let question = reader.meta("current:question")?.and_then(|v| v.parse().ok()).map_or(FpId(0), FpId);
        let mut to = std::io::BufWriter::new(screen::json());
        write_chain(&store, &reader, (&fps, question), &mut to).map_err(|error| match error {
            ChainError::Store(error) => error.into(),
            ChainError::Write(error) => CommandError::from(error),
        })?;
        to.flush()?;
    }
    Ok(if wrong == 0 { Exit::Done } else { Exit::Partial })
}

/// Looks at every link, prints flaws and a line for each, and returns how many flaws there are.
fn chain(
    store: &Store,
    reader: &Reader,
    fps: &StageFps,
    inputs: Option<&Path>,
    out: &mut dyn Write,
) -> Result<u64, CommandError> {
    let inputs = folder_of_inputs(store, reader, fps, inputs)?;
    let links = [Link::Inputs].into_iter().chain(Stage::of_documents().map(Link::Results));
    let links: Vec<Link> = links.chain([Link::Answers, Link::Responses, Link::Outputs]).collect();
    let mut lines = vec!["ok     store                sound".to_owned()];
    let mut wrong = 0;
    for link in links {
        let mut told = Ok(());
        let sums = verify(store, reader, fps, (link, inputs.as_deref()), &mut |flaw| {
            if told.is_ok() {
                told = writeln!(out, "wrong  {:<20} {}: {}", name(flaw.link), Shown(&flaw.what), Shown(&flaw.words));
            }
        })?;
        told?;
        wrong += sums.wrong;
        lines.push(match (link, &inputs) {
            (Link::Inputs, None) => {
                "note   inputs               not looked at: name their folder with --inputs".to_owned()
            }
            _ => line(link, sums),
        });
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(wrong)
}

fn name(link: Link) -> String {
    match link {
        Link::Inputs => "inputs".into(),
        Link::Results(stage) => format!("results of {}", stage.name()),
        Link::Answers => "answers".into(),
        Link::Responses => "responses".into(),
        Link::Outputs => "vocabulary files".into(),
    }
}

fn line(link: Link, LinkSums { sound, without_sum, wrong }: LinkSums) -> String {
    let mark = if wrong > 0 { "WRONG" } else { "ok" };
    let of = |count: u64, words: &str| if count > 0 { format!(", {} {words}", grouped(count)) } else { String::new() };
    format!(
        "{mark:<6} {:<20} {} as they were made{}{}",
        name(link),
        grouped(sound),
        of(without_sum, "of an older program, without a sum"),
        of(wrong, "not")
    )
}

/// Holds somebody's manifest against the folder; returns how many of its documents are not the same here.
fn against(
    store: &Store,
    reader: &Reader,
    fps: &StageFps,
    theirs: &Path,
    out: &mut dyn Write,
) -> Result<u64, CommandError> {
    let bad = |reason: &dyn std::fmt::Display| {
        CommandError::bad_input(format!("the manifest '{}' cannot be used: {reason}", theirs.display()))
    };
    let bytes = std::fs::read(theirs).map_err(|e| bad(&e))?;
    let chain: Chain = serde_json::from_slice(&bytes).map_err(|e| bad(&e))?;
    let own = reader.key_of(fps[Stage::Write])?.map(|(key, _)| key.hex());
    if own.as_ref() != Some(&chain.key) {
        return Err(bad(
            &"it was made by another pipeline, other settings or another version of corpora than this folder: its key is another one",
        ));
    }
    let (mut same, mut told) = (0, Ok(()));
    let mut others = 0;
    compare_chain(store, reader, fps, &chain, &mut |path, agreement| {
        let words = match agreement {
            Agreement::Same => {
                same += 1;
                return;
            }
            Agreement::Different => "the same content gave another vocabulary file here",
            Agreement::NotHere => "there is no vocabulary file of that content under that path here",
        };
        others += 1;
        if told.is_ok() {
            told = writeln!(out, "wrong  {:<20} {path}: {words}", "manifest");
        }
    })?;
    told?;
    let mark = if others > 0 { "WRONG" } else { "ok" };
    let rest = if others > 0 { format!(", {} not", grouped(others)) } else { String::new() };
    writeln!(out, "{mark:<6} {:<20} {} vocabulary files are the same here{rest}", "manifest", grouped(same))?;
    Ok(others)
}
