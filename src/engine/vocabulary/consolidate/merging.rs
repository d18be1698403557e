//! One pass over the terms of all documents in the order of their canonical forms, and from it the master and the review queue.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::documents::Documents;
use super::outcome::{ConsolidateError, ConsolidateStep, Consolidated, io, record};
use super::queue::waiting;
use super::variants;
use crate::stages::consolidate::{Decisions, Merging, Ruling, has_statistics, variant_keys};
use crate::stages::extract::local::key_form;
use crate::store::{
    ConsolidationState, Disk, MergedRuns, RunRecord, RunSorter, RunWriter, create_beneath, replace_file,
    replace_keeping_old,
};
use crate::values::{
    Decision, Entry, Fingerprint, MASTER_FILE, MASTER_SCHEMA_VERSION, MasterEntry, MasterMetadata, REVIEW_FILE,
    REVIEW_SCHEMA_VERSION, ReviewEntry, ReviewQueue, VARIANTS_FILE, VariantTerm,
};

/// Name of the master before this one, which stays beside it.
const BACKUP_FILE: &str = "master.vocab.json.bak";

/// Beginning of an entry that has no place in the order yet.
const UNRANKED: &[u8] = b"{\"rank\":0";

/// More runs than this are made into one.
const MOST_RUNS: usize = 64;

/// Sources named in the review queue.
const SOURCES_TO_REVIEW: usize = 5;

/// The key of a term of a document: its canonical form, then the document's number.
pub(super) fn key(canonical: &str, number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(canonical.len() + 5);
    key.extend_from_slice(canonical.as_bytes());
    key.push(0);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn parts(key: &[u8]) -> Option<(&str, u32)> {
    let (canonical, number) = key.split_last_chunk::<4>()?;
    Some((std::str::from_utf8(canonical.strip_suffix(&[0])?).ok()?, u32::from_be_bytes(*number)))
}

/// Statements of all documents about one term, while they are gathered.
struct Term<'a> {
    canonical: String,
    ruling: Option<&'a Ruling>,
    /// Under its own name, if a decision takes it out of the master: the review queue goes on telling of it.
    withdrawn: (Merging, Option<u32>),
    /// Entry that the master will have.
    entry: (Merging, Option<u32>),
}

impl Term<'_> {
    fn add(&mut self, number: u32, said: Entry, renamed: Option<&str>) {
        let withdrawn = renamed.is_none() && matches!(self.ruling, Some(Ruling::Drop | Ruling::Rename(..)));
        let (merging, last) = if withdrawn { &mut self.withdrawn } else { &mut self.entry };
        merging.add(said, last.replace(number) != Some(number), renamed);
    }
}

/// Makes master and queue, and says what changed.
pub(super) fn merge(
    (disk, folder): (&dyn Disk, &Path),
    state: &ConsolidationState,
    documents: &Documents,
    decisions: &Decisions,
    queue: ReviewQueue,
    result: &mut Consolidated,
    progress: &mut dyn FnMut(ConsolidateStep),
) -> Result<(), ConsolidateError> {
    let runs = state.runs()?;
    let mut all = runs.clone();
    all.extend(renamed(state, &runs, documents, decisions)?);
    let look = state.number("look")?;
    let mut output = Output {
        state,
        documents,
        metadata: MasterMetadata {
            schema_version: MASTER_SCHEMA_VERSION,
            document_count: documents.count,
            corpus_statistics: has_statistics(documents.count),
            made_by: state.made_by()?,
            ..MasterMetadata::default()
        },
        ranked: RunSorter::new(state.folder(), "ranked", 0),
        variants: RunSorter::new(state.folder(), "variants", 0),
        digests: RunWriter::create(&state.folder().join(format!("digests-{look}")))?,
        before: Before::open(state)?,
        changes: [0; 3],
        old_queue: queue.entries.into_iter().map(|e| (e.canonical.clone(), e)).collect(),
        queue: Vec::new(),
        merged: 0,
    };
    let next_number = state.number("next_number")?.cast_unsigned();
    let dead = next_number.saturating_sub(documents.known.iter().filter(|k| **k).count() as u64);
    let dead = dead.saturating_sub(state.number("dead_left_out")?.cast_unsigned());
    let compacting = runs.len() > MOST_RUNS || dead > documents.count / 2 + 16;
    let next_run = state.number("next_run")?;
    let compact = state.folder().join(format!("terms-{next_run}"));
    let mut compacted = if compacting { Some(RunWriter::create(&compact)?) } else { None };

    let mut records = MergedRuns::open(&all)?;
    let mut term: Option<Term<'_>> = None;
    while let Some((key, value)) = records.advance()? {
        let Some((canonical, number)) = parts(&key) else { continue };
        let is_renamed = value.first() == Some(&b'[');
        if let Some(compacted) = compacted.as_mut().filter(|_| !is_renamed && documents.is_known(number)) {
            compacted.push(&key, &value)?;
        }
        if !documents.is_live(number) {
            continue;
        }
        if term.as_ref().is_none_or(|t| t.canonical != canonical) {
            output.finish(term.take(), progress)?;
            term = Some(Term {
                canonical: canonical.to_owned(),
                ruling: decisions.on(canonical),
                withdrawn: Default::default(),
                entry: Default::default(),
            });
        }
        let Some(term) = &mut term else { continue };
        match is_renamed {
            true => {
                let (name, said): (String, Entry) = record(state.folder(), &value)?;
                term.add(number, said, Some(&name));
            }
            false => term.add(number, record(state.folder(), &value)?, None),
        }
    }
    output.finish(term.take(), progress)?;
    drop(records);
    if let Some(compacted) = compacted {
        compacted.finish()?;
        state.set_runs(&[compact])?;
        state.set_number("next_run", next_run + 1)?;
        let known = documents.known.iter().filter(|k| **k).count() as u64;
        state.set_number("dead_left_out", next_number.saturating_sub(known).cast_signed())?;
    }
    output.publish(disk, folder, &format!("digests-{look}"), result)
}

/// The terms that a decision gives another name, sorted by the canonical form of that name.
fn renamed(
    state: &ConsolidationState,
    runs: &[PathBuf],
    documents: &Documents,
    decisions: &Decisions,
) -> Result<Vec<PathBuf>, ConsolidateError> {
    if !decisions.renames() {
        return Ok(Vec::new());
    }
    let mut sorter = RunSorter::new(state.folder(), "renamed", 0);
    let mut records = MergedRuns::open(runs)?;
    while let Some((old, value)) = records.advance()? {
        let Some((canonical, number)) = parts(&old) else { continue };
        if let Some(Ruling::Rename(name, target)) = decisions.on(canonical)
            && documents.is_live(number)
        {
            let said: Entry = record(state.folder(), &value)?;
            let json = serde_json::to_vec(&(name, said)).expect("string keys and finite numbers");
            sorter.push(&key(target, number), &json)?;
        }
    }
    Ok(sorter.finish()?.0)
}

/// The digests of the last master's entries, read beside the new ones.
struct Before {
    digests: Option<MergedRuns>,
    next: Option<RunRecord>,
}

/// Difference between an entry and the last master's.
enum Change {
    Added,
    Changed,
    None,
}

impl Before {
    fn open(state: &ConsolidationState) -> Result<Self, ConsolidateError> {
        let mut digests = state.digests()?.map(|file| MergedRuns::open(&[file])).transpose()?;
        let next = digests.as_mut().map(MergedRuns::advance).transpose()?.flatten();
        Ok(Self { digests, next })
    }

    fn advance(&mut self) -> Result<(), ConsolidateError> {
        self.next = self.digests.as_mut().map(MergedRuns::advance).transpose()?.flatten();
        Ok(())
    }

    /// Compares the next entry; says how many entries before it are gone.
    fn compare(&mut self, canonical: &[u8], digest: &[u8]) -> Result<(u64, Change), ConsolidateError> {
        let mut gone = 0;
        while self.next.as_ref().is_some_and(|(old, _)| old.as_slice() < canonical) {
            gone += 1;
            self.advance()?;
        }
        let change = match &self.next {
            Some((old, value)) if old == canonical => match value == digest {
                true => Change::None,
                false => Change::Changed,
            },
            _ => return Ok((gone, Change::Added)),
        };
        self.advance()?;
        Ok((gone, change))
    }

    /// Entries after the last new one.
    fn rest(&mut self) -> Result<u64, ConsolidateError> {
        let mut gone = 0;
        while self.next.is_some() {
            gone += 1;
            self.advance()?;
        }
        Ok(gone)
    }
}

/// Destination of merged terms.
struct Output<'a> {
    state: &'a ConsolidationState,
    documents: &'a Documents,
    metadata: MasterMetadata,
    /// Entries by rank.
    ranked: RunSorter,
    /// Entries by the keys on which their spellings meet.
    variants: RunSorter,
    digests: RunWriter,
    before: Before,
    /// Added, changed, removed.
    changes: [u64; 3],
    old_queue: BTreeMap<String, ReviewEntry>,
    queue: Vec<ReviewEntry>,
    merged: u64,
}

impl Output<'_> {
    fn finish(
        &mut self,
        term: Option<Term<'_>>,
        progress: &mut dyn FnMut(ConsolidateStep),
    ) -> Result<(), ConsolidateError> {
        let Some(Term { canonical, ruling, withdrawn, entry }) = term else { return Ok(()) };
        let corpus = self.documents.count;
        let review = matches!(ruling, Some(Ruling::Keep)).then_some(Decision::Keep);
        let withdrawn = withdrawn.1.is_some().then(|| withdrawn.0.finish(&canonical, corpus, None));
        let entry = entry.1.is_some().then(|| entry.0.finish(&canonical, corpus, review));
        if let Some(shown) = withdrawn.as_ref().or(entry.as_ref()) {
            self.review(shown);
        }
        if withdrawn.is_some() && ruling == Some(&Ruling::Drop) {
            self.metadata.dropped_count += 1;
        }
        let Some(mut entry) = entry else { return Ok(()) };
        self.merged += 1;
        progress(ConsolidateStep::Merged(self.merged));
        let counts = &mut self.metadata;
        counts.term_count += 1;
        counts.classified_count += u64::from(entry.category.is_some());
        counts.flagged_count += u64::from(entry.ip_flag.is_some() && entry.review.is_none());
        counts.conflict_count += u64::from(!entry.conflicts.is_empty());
        counts.renamed_count += u64::from(!entry.renamed_from.is_empty());

        // Rank by score, then by how often it stands, then by name. The score has six decimals at most.
        let rank = !((entry.score * 1_000_000.0).round() as u64);
        let line = json(&entry);
        let often = !entry.occurrence_count;
        self.ranked.push(&[&rank.to_be_bytes(), &often.to_be_bytes(), canonical.as_bytes()].concat(), &line)?;
        let term = VariantTerm {
            canonical: canonical.clone(),
            text: entry.text.clone(),
            document_count: entry.document_count,
        };
        for variant in variant_keys(&entry) {
            self.variants.push(&variants::key(&variant, &canonical), &json(&term))?;
        }
        // Another document changes idf and score of every term: that is no change of the term.
        (entry.idf, entry.score) = (None, 0.0);
        let digest = &Fingerprint::of(&json(&entry)).0[..8];
        self.digests.push(canonical.as_bytes(), digest)?;
        let (gone, change) = self.before.compare(canonical.as_bytes(), digest)?;
        self.changes[2] += gone;
        match change {
            Change::Added => self.changes[0] += 1,
            Change::Changed => self.changes[1] += 1,
            Change::None => {}
        }
        Ok(())
    }

    /// Takes a term into the queue if it is flagged, or was decided on or noted before.
    fn review(&mut self, entry: &MasterEntry) {
        // What was decided before comparison forms were words stands under the form of then.
        let old = self.old_queue.remove(&entry.canonical);
        let old = old.or_else(|| self.old_queue.remove(&key_form(&entry.text)));
        if entry.ip_flag.is_none() && old.as_ref().is_none_or(is_untouched) {
            return;
        }
        let (decision, rename_to, notes) = old.map(|o| (o.decision, o.rename_to, o.notes)).unwrap_or_default();
        self.queue.push(ReviewEntry {
            canonical: entry.canonical.clone(),
            text: entry.variants.first().map_or_else(|| entry.text.clone(), |v| v.text.clone()),
            flag: entry.ip_flag.clone(),
            category: entry.category.clone(),
            definition: entry.definition.clone(),
            sentence: entry.occurrences.first().map(|o| o.place.sentence.clone()),
            document_count: entry.document_count,
            sources: entry.sources.iter().take(SOURCES_TO_REVIEW).cloned().collect(),
            decision,
            rename_to,
            notes,
        });
    }

    fn publish(
        mut self,
        disk: &dyn Disk,
        folder: &Path,
        digests: &str,
        result: &mut Consolidated,
    ) -> Result<(), ConsolidateError> {
        self.digests.finish()?;
        self.changes[2] += self.before.rest()?;
        let (ranked, _) = self.ranked.finish()?;
        let new = self.state.new_master();
        write_master(&new, &self.metadata, &ranked)?;
        let master = folder.join(MASTER_FILE);
        result.replaced =
            replace_keeping_old(disk, &new, &master, &folder.join(BACKUP_FILE)).map_err(io("write", &master))?;

        // What was decided on terms that no file has now is kept for the day when they come back.
        let gone = self.old_queue.into_values().filter(|e| !is_untouched(e));
        let gone = gone.map(|e| ReviewEntry { flag: None, document_count: 0, sources: Vec::new(), ..e });
        self.queue.extend(gone);
        self.queue.sort_by(|a, b| a.canonical.cmp(&b.canonical));
        let queue = ReviewQueue { schema_version: REVIEW_SCHEMA_VERSION, entries: self.queue };
        write_queue(disk, folder, &queue)?;
        let variants = variants::groups(self.state.folder(), &self.variants.finish()?.0)?;
        write_json(disk, folder, VARIANTS_FILE, &variants)?;
        result.waiting = waiting(&queue);
        [result.added, result.changed, result.removed] = self.changes;
        result.metadata = self.metadata;
        self.state.set_text("digests", digests)?;
        Ok(())
    }
}

fn is_untouched(entry: &ReviewEntry) -> bool {
    entry.decision.is_none() && entry.notes.as_ref().is_none_or(String::is_empty)
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("string keys and finite numbers")
}

/// A master with one entry a line, synced.
fn write_master(file: &Path, metadata: &MasterMetadata, ranked: &[PathBuf]) -> Result<(), ConsolidateError> {
    let mut out = BufWriter::with_capacity(1 << 16, create_beneath(file).map_err(io("create", file))?);
    let mut entries = MergedRuns::open(ranked)?;
    let cannot = || io("write", file);
    out.write_all(b"{\"metadata\":").and_then(|()| out.write_all(&json(metadata))).map_err(cannot())?;
    out.write_all(b",\n\"entries\":[").map_err(cannot())?;
    let mut separator = &b"\n"[..];
    let mut rank = 0_u64;
    while let Some((_, line)) = entries.advance()? {
        rank += 1;
        // Its place is known only now: it takes that of the zero with which every line begins.
        let rest = line.strip_prefix(UNRANKED).unwrap_or(&line);
        let begun = out.write_all(separator).and_then(|()| write!(out, "{{\"rank\":{rank}"));
        begun.and_then(|()| out.write_all(rest)).map_err(cannot())?;
        separator = b",\n";
    }
    out.write_all(b"\n]}\n").map_err(cannot())?;
    let file_of = out.into_inner().map_err(|e| io("write", file)(e.into_error()))?;
    file_of.sync_data().map_err(cannot())
}

/// Writes the review queue, atomically; a file that says the same already is left alone.
///
/// # Errors
/// If it cannot be written; the old one is then as it was.
pub fn write_queue(disk: &dyn Disk, folder: &Path, queue: &ReviewQueue) -> Result<(), ConsolidateError> {
    write_json(disk, folder, REVIEW_FILE, queue)
}

fn write_json(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    value: &impl serde::Serialize,
) -> Result<(), ConsolidateError> {
    let file = folder.canonicalize().map_err(io("find", folder))?.join(name);
    let mut bytes = serde_json::to_vec_pretty(value).expect("string keys and finite numbers");
    bytes.push(b'\n');
    if std::fs::read(&file).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    replace_file(disk, &file, |out| out.write_all(&bytes)).map_err(io("write", &file))
}
