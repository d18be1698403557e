//! `corpora verify DIR`.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::exit::{CommandError, Exit};
use super::pay_args::VerifyArgs;
use super::progress::{counted, grouped};
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
    let out: Box<dyn Write> = match (args.manifest, args.json) {
        (true, _) => Box::new(screen::err()),
        (_, true) => Box::new(std::io::BufWriter::new(screen::json())),
        _ => Box::new(screen::out()),
    };
    let form = match (args.json, args.quiet.quiet) {
        (true, _) => Form::Json,
        (_, true) => Form::Wrong,
        _ => Form::Lines,
    };
    let mut findings = Findings::begin(out, form)?;
    chain(&store, &reader, &fps, args.inputs.as_deref(), &mut findings)?;
    if let Some(theirs) = &args.against {
        against(&store, &reader, &fps, theirs, &mut findings)?;
    }
    let wrong = findings.finish()?;
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

/// Ways to tell findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A line for each flaw, and one for each link.
    Lines,
    /// Only what is wrong.
    Wrong,
    /// `schemas/verified.schema.json`.
    Json,
}

/// What is found, told as it comes: a folder may have more flaws than fit into memory.
struct Findings {
    out: Box<dyn Write>,
    form: Form,
    links: Vec<(String, Option<LinkSums>)>,
    flaws: u64,
    /// First failure of telling.
    told: std::io::Result<()>,
}

/// Name of the link to somebody's manifest.
const MANIFEST: &str = "manifest";

impl Findings {
    fn begin(mut out: Box<dyn Write>, form: Form) -> std::io::Result<Self> {
        if form == Form::Json {
            write!(out, "{{\"flaws\":[")?;
        }
        Ok(Self { out, form, links: Vec::new(), flaws: 0, told: Ok(()) })
    }

    /// Tells of a flaw.
    fn flaw(&mut self, link: &str, what: &str, words: &str) {
        let comma = if self.flaws > 0 { "," } else { "" };
        self.flaws += 1;
        if self.told.is_ok() {
            self.told = match self.form {
                Form::Json => write!(self.out, "{comma}\n{}", json!({"link": link, "what": what, "words": words})),
                _ => writeln!(self.out, "wrong  {link:<20} {}: {}", Shown(what), Shown(words)),
            };
        }
    }

    /// Notes the sums of a link; none for one that was not looked at.
    fn link(&mut self, name: String, sums: Option<LinkSums>) {
        self.links.push((name, sums));
    }

    /// Tells the sums, and returns how many things are not as they were made.
    fn finish(mut self) -> std::io::Result<u64> {
        self.told?;
        let wrong: u64 = self.links.iter().filter_map(|(_, sums)| *sums).map(|sums| sums.wrong).sum();
        match self.form {
            Form::Json => {
                let links: Vec<Value> = self.links.iter().map(|(name, sums)| link_as_json(name, *sums)).collect();
                writeln!(self.out, "\n],\"links\":{},\"wrong\":{wrong}}}", json!(links))?;
            }
            form => {
                if form == Form::Lines {
                    writeln!(self.out, "ok     store                sound")?;
                }
                for (name, sums) in &self.links {
                    if form == Form::Lines || sums.is_some_and(|sums| sums.wrong > 0) {
                        writeln!(self.out, "{}", line(name, *sums))?;
                    }
                }
            }
        }
        self.out.flush()?;
        Ok(wrong)
    }
}

fn link_as_json(name: &str, sums: Option<LinkSums>) -> Value {
    let Some(LinkSums { sound, without_sum, wrong }) = sums else { return json!({"link": name, "looked_at": false}) };
    json!({"link": name, "looked_at": true, "sound": sound, "without_sum": without_sum, "wrong": wrong})
}

/// Looks at every link and tells what is found.
fn chain(
    store: &Store,
    reader: &Reader,
    fps: &StageFps,
    inputs: Option<&Path>,
    findings: &mut Findings,
) -> Result<(), CommandError> {
    let inputs = folder_of_inputs(store, reader, fps, inputs)?;
    let links = [Link::Inputs].into_iter().chain(Stage::of_documents().map(Link::Results));
    for link in links.chain([Link::Answers, Link::Responses, Link::Outputs]) {
        let sums = verify(store, reader, fps, (link, inputs.as_deref()), &mut |flaw| {
            findings.flaw(&name(flaw.link), &flaw.what, &flaw.words);
        })?;
        let is_looked_at = link != Link::Inputs || inputs.is_some();
        findings.link(name(link), is_looked_at.then_some(sums));
    }
    Ok(())
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

fn line(name: &str, sums: Option<LinkSums>) -> String {
    let Some(LinkSums { sound, without_sum, wrong }) = sums else {
        return format!("note   {name:<20} not looked at: name their folder with --inputs");
    };
    let mark = if wrong > 0 { "WRONG" } else { "ok" };
    let of = |count: u64, words: &str| if count > 0 { format!(", {} {words}", grouped(count)) } else { String::new() };
    if name == MANIFEST {
        let files = counted(sound, "vocabulary file is", "vocabulary files are");
        return format!("{mark:<6} {name:<20} {files} the same here{}", of(wrong, "not"));
    }
    format!(
        "{mark:<6} {name:<20} {} as they were made{}{}",
        grouped(sound),
        of(without_sum, "of an older program, without a sum"),
        of(wrong, "not")
    )
}

/// Holds somebody's manifest against the folder, and tells which of its documents are not the same here.
fn against(
    store: &Store,
    reader: &Reader,
    fps: &StageFps,
    theirs: &Path,
    findings: &mut Findings,
) -> Result<(), CommandError> {
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
    let mut sums = LinkSums::default();
    compare_chain(store, reader, fps, &chain, &mut |path, agreement| {
        let words = match agreement {
            Agreement::Same => {
                sums.sound += 1;
                return;
            }
            Agreement::Different => "the same content gave another vocabulary file here",
            Agreement::NotHere => "there is no vocabulary file of that content under that path here",
        };
        sums.wrong += 1;
        findings.flaw(MANIFEST, path.as_str(), words);
    })?;
    findings.link(MANIFEST.to_owned(), Some(sums));
    Ok(())
}
