//! Proof of an output folder: from the inputs over the stored results and answers to the vocabulary files, each against what stands
//! before it; and a manifest of that chain for somebody else to check.

use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::stages::consolidate::read_vocabulary;
use crate::store::{DocId, Looked, ProvenFile, Reader, Soundness, StageFps, Store, StoreError, output_place};
use crate::values::{Cost, Fingerprint, SourcePath, Stage};

/// Rows read from the store at a time.
const PAGE: usize = 64;

/// Link of the chain from a book to its vocabulary file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The input files, against the content that the store knows them by.
    Inputs,
    /// Results of a stage, against their sums.
    Results(Stage),
    /// Answers, against their sums.
    Answers,
    /// Responses of providers, against their sums.
    Responses,
    /// Vocabulary files, against what was written.
    Outputs,
}

/// Sums over one link of the chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkSums {
    /// Things that are as they were made.
    pub sound: u64,
    /// Things that can be read, and of which an older program kept no sum.
    pub without_sum: u64,
    /// Things that are missing or not as they were made.
    pub wrong: u64,
}

/// Thing that is not as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Link of the chain.
    pub link: Link,
    /// Name of it.
    pub what: String,
    /// Account of it, with the remedy.
    pub words: String,
}

/// Folder of the inputs of a store: the one that was named, or the output folder itself where the first of them is found there.
///
/// # Errors
/// If the store cannot be read.
pub fn folder_of_inputs(
    store: &Store,
    reader: &Reader,
    fps: &StageFps,
    named: Option<&Path>,
) -> Result<Option<PathBuf>, StoreError> {
    if let Some(named) = named {
        return Ok(Some(named.to_path_buf()));
    }
    let first = reader.look_at_files(fps, "", 1)?.into_iter().next();
    let is_there = first.is_some_and(|file| input_place(store.output(), &file.path).is_file());
    Ok(is_there.then(|| store.output().to_path_buf()))
}

/// Place of an input below the folder of the inputs.
pub fn input_place(root: &Path, path: &SourcePath) -> PathBuf {
    root.join(std::ffi::OsString::from_vec(path.to_bytes()))
}

/// Looks at a link of the chain from its beginning to its end; `found` is told of each flaw as it is found. Inputs are looked for below
/// `inputs`, and not at all without it.
///
/// # Errors
/// If the store cannot be read.
pub fn verify(
    store: &Store,
    reader: &Reader,
    fps: &StageFps,
    (link, inputs): (Link, Option<&Path>),
    found: &mut dyn FnMut(Flaw),
) -> Result<LinkSums, StoreError> {
    let mut sums = LinkSums::default();
    let mut judge = |what: String, judged: Result<Soundness, String>| match judged {
        Ok(Soundness::WithoutSum) => sums.without_sum += 1,
        Ok(_) => sums.sound += 1,
        Err(words) => {
            sums.wrong += 1;
            found(Flaw { link, what, words });
        }
    };
    match link {
        Link::Inputs | Link::Outputs => {
            each_file(reader, fps, &mut |file| match (link, inputs) {
                (Link::Inputs, None) => Ok(()),
                (Link::Inputs, Some(root)) => {
                    judge(file.path.to_string(), input(root, &file));
                    Ok(())
                }
                _ => {
                    if let Some((name, judged)) = output(store, &file) {
                        judge(name, judged);
                    }
                    Ok(())
                }
            })?;
        }
        Link::Results(stage) => pages(
            |after| reader.look_at_results(fps, stage, DocId(after), PAGE),
            |looked| {
                let path = looked.doc.map(|doc| reader.path_of(doc)).transpose()?.flatten();
                let what = path.map_or_else(|| format!("document {}", looked.id), |path| path.to_string());
                judge(what, words_for(&looked, "the next run makes it again"));
                Ok(())
            },
        )?,
        Link::Answers => pages(
            |after| reader.look_at_answers(after, PAGE),
            |looked| {
                let remedy = "the next run that needs it reads its response again, for nothing";
                judge(format!("answer {}", looked.id), words_for(&looked, remedy));
                Ok(())
            },
        )?,
        Link::Responses => pages(
            |after| reader.look_at_responses(after, PAGE),
            |looked| {
                let cost = looked.cost.filter(|cost| *cost != Cost::default());
                let cost = cost.map_or_else(String::new, |cost| format!(" (it cost {cost})"));
                let judged = words_for(&looked, "its answers stay as they are while they are sound themselves");
                judge(format!("response {}{cost}", looked.id), judged);
                Ok(())
            },
        )?,
    }
    Ok(sums)
}

/// Every page of a table, row by row.
fn pages(
    page: impl Fn(i64) -> Result<Vec<Looked>, StoreError>,
    mut each: impl FnMut(Looked) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let rows = page(after)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        rows.into_iter().try_for_each(&mut each)?;
    }
}

/// Every present file, in path order.
pub(super) fn each_file<E: From<StoreError>>(
    reader: &Reader,
    fps: &StageFps,
    each: &mut dyn FnMut(ProvenFile) -> Result<(), E>,
) -> Result<(), E> {
    let mut after = String::new();
    loop {
        let files = reader.look_at_files(fps, &after, PAGE)?;
        let Some(last) = files.last() else { return Ok(()) };
        last.path.as_str().clone_into(&mut after);
        files.into_iter().try_for_each(&mut *each)?;
    }
}

fn words_for(looked: &Looked, remedy: &str) -> Result<Soundness, String> {
    match looked.soundness {
        Soundness::Spoilt => Err(format!("it is not as it was stored; {remedy}")),
        Soundness::Missing => Err(format!("it is missing; {remedy}")),
        sound => Ok(sound),
    }
}

fn input(root: &Path, file: &ProvenFile) -> Result<Soundness, String> {
    match hash_of(&input_place(root, &file.path)) {
        Ok(sha) if sha == file.sha => Ok(Soundness::Sound),
        Ok(_) => Err("it has another content than the one that was read; the next run takes it up".into()),
        Err(e) => Err(format!("it cannot be read: {e}")),
    }
}

/// The vocabulary file of a source, if one was written, and how it stands.
fn output(store: &Store, file: &ProvenFile) -> Option<(String, Result<Soundness, String>)> {
    let name = file.output.clone()?;
    let read = || std::fs::read(output_place(store.output(), &name)?).map_err(|e| format!("it cannot be read: {e}"));
    let judged = read().and_then(|bytes| {
        if file.written.is_some_and(|sha| Fingerprint::of(&bytes).0[..8] == sha) {
            return Ok(Soundness::Sound);
        }
        Err(match read_vocabulary(&bytes) {
            Ok(_) => "somebody has edited it: it is not what the run wrote, and stays as it is".into(),
            Err(_) => "it is cut short or overwritten; the next run with --checksum writes it again".into(),
        })
    });
    Some((name, judged))
}

/// SHA-256 of a file, read piece by piece.
pub(super) fn hash_of(file: &Path) -> std::io::Result<Fingerprint> {
    let mut file = std::fs::File::open(file)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Fingerprint(hash.finalize().into())),
            n => hash.update(&buffer[..n]),
        }
    }
}
