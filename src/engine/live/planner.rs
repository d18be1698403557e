//! Plans documents into requests: each unit that has no answer yet is asked for once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::Live;
use super::board::Claim;
use super::request::{Ask, Unit, takes, told_in_requests};
use crate::engine::RunError;
use crate::engine::documents::{Trouble, attempts};
use crate::engine::run::Run;
use crate::engine::staged::{About, Job, Upstream, follow_documents, settle};
use crate::stages::extract::{self, Context, ContextChoice, UnitAnswer};
use crate::stages::pipeline::Method;
use crate::store::{DocId, Reader};
use crate::values::{Chunk, Extraction, ParsedDocument, Span, Stage};

/// Documents that may be open at once: their text is not in memory, only their names are.
const MOST_OPEN: usize = 4096;

/// A pack that waits for more units goes as it is after this time.
const PACK_AGE: Duration = Duration::from_millis(200);

/// What a document holds for `extract`.
pub(in crate::engine) struct Contents {
    document: ParsedDocument,
    chunks: Vec<Chunk>,
    /// Found locally, for the method `terms`.
    candidates: Extraction,
    /// One for each chunk or candidate, in order; a term with a sentence as its context.
    pub(in crate::engine) units: Vec<Unit>,
    /// For each term what is told of it beside its chunk, and the number of that chunk.
    in_chunks: Vec<Option<(Arc<str>, usize)>>,
}

impl Contents {
    /// Names the units of a document.
    pub(in crate::engine) fn of(method: &Method, document: ParsedDocument, chunks: Vec<Chunk>) -> Self {
        let (candidates, units, in_chunks) = match method {
            Method::Passages(_) => {
                let unit = |chunk: &Chunk| {
                    let text = chunk.span.of(&document.text);
                    Unit { key: extract::unit_key(text), name: None, text: text.into(), passage: None }
                };
                (Extraction::default(), chunks.iter().map(unit).collect(), Vec::new())
            }
            Method::Terms(settings) => {
                let (candidates, terms) = extract::term_units(&document, settings);
                let of_chunk = |t: &extract::TermUnit| Some((t.bare.as_str().into(), chunk_with(&chunks, t.first?)?));
                let in_chunks = terms.iter().map(of_chunk).collect();
                let unit =
                    |t: extract::TermUnit| Unit { key: t.key, name: Some(t.text), text: t.line.into(), passage: None };
                (candidates, terms.into_iter().map(unit).collect(), in_chunks)
            }
        };
        Self { document, chunks, candidates, units, in_chunks }
    }

    /// The units of these numbers as a model is to be told of them; and for terms, in which context.
    pub(in crate::engine) fn in_context(
        mut self,
        choice: ContextChoice,
        open: &[usize],
        per_request: usize,
    ) -> (Vec<Unit>, Option<Context>) {
        let alone: Vec<Unit> = open.iter().map(|&n| self.units[n].clone()).collect();
        if self.in_chunks.is_empty() || open.is_empty() {
            return (alone, None);
        }
        let mut passages: HashMap<usize, Arc<str>> = HashMap::new();
        let mut in_chunks: Vec<(Option<usize>, Unit)> = Vec::with_capacity(open.len());
        for (&n, unit) in open.iter().zip(&alone) {
            let of_chunk = self.in_chunks[n].take();
            in_chunks.push(match of_chunk {
                Some((text, chunk)) => {
                    let passage =
                        passages.entry(chunk).or_insert_with(|| self.chunks[chunk].span.of(&self.document.text).into());
                    (Some(chunk), Unit { text, passage: Some(Arc::clone(passage)), ..unit.clone() })
                }
                None => (None, unit.clone()),
            });
        }
        in_chunks.sort_by_key(|(chunk, _)| *chunk);
        let in_chunks: Vec<Unit> = in_chunks.into_iter().map(|(_, unit)| unit).collect();
        // A chunk with more terms than a request holds is told again.
        let tokens = |units: &[Unit]| told_in_requests(units, per_request);
        match choice.choose(tokens(&alone), tokens(&in_chunks)) {
            Context::Candidates => (alone, Some(Context::Candidates)),
            Context::Chunks => (in_chunks, Some(Context::Chunks)),
        }
    }

    /// The items of the document, given an answer for each unit, in order; and what a person should know of them.
    pub(in crate::engine) fn assemble(self, method: &Method, answers: &[UnitAnswer]) -> (Extraction, Vec<String>) {
        let extraction = match method {
            Method::Passages(settings) => extract::assemble_answers(&self.document, &self.chunks, answers, settings),
            Method::Terms(_) => extract::classify(self.candidates, answers),
        };
        let remarks = extract::remarks(method, &self.document, &extraction);
        (extraction, remarks)
    }
}

/// The first of the chunks that holds a place whole.
fn chunk_with(chunks: &[Chunk], place: Span) -> Option<usize> {
    let at = chunks.partition_point(|chunk| chunk.span.end < place.end);
    (chunks.get(at)?.span.start <= place.start).then_some(at)
}

/// Loads a document and names its units.
pub(in crate::engine) fn contents(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<Contents, Trouble> {
    let document: ParsedDocument = reader.artifact(run.fps.parse, job.pending.doc)?;
    let chunks: Vec<Chunk> = reader.artifact(run.fps.chunk, job.pending.doc)?;
    Ok(Contents::of(&run.pipeline.method, document, chunks))
}

/// Units that wait for their request to be full.
struct Pack {
    units: Vec<Unit>,
    doc: DocId,
    size: usize,
    since: Instant,
}

/// Follows the chunked documents and sends their requests, until there are no more or nothing new may be begun.
pub(super) fn plan(live: &Live<'_>, upstream: &Upstream, requests: &Sender<Ask>) -> Result<(), RunError> {
    let run = live.run;
    let reader = run.store.reader()?;
    let size = crate::engine::per_request(&run.pipeline);
    let mut pack = Pack { units: Vec::new(), doc: DocId(0), size, since: Instant::now() };
    let mut broken = None;
    follow_documents(run, Some(run.fps.chunk), run.fps.extract, upstream, &mut |job| {
        let outcome = document(live, &reader, job, &mut pack, requests);
        match outcome {
            Ok(go_on) => go_on,
            Err(error) => {
                broken = Some(error);
                false
            }
        }
    })?;
    pack.send(live, requests);
    broken.map_or(Ok(()), Err)
}

/// Plans one document. Says whether to go on.
fn document(
    live: &Live<'_>,
    reader: &Reader,
    job: Job,
    pack: &mut Pack,
    requests: &Sender<Ask>,
) -> Result<bool, RunError> {
    let run = live.run;
    while live.board.open_documents() >= MOST_OPEN && !live.is_halted() {
        if pack.since.elapsed() > PACK_AGE {
            pack.send(live, requests);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if live.is_halted() {
        return Ok(false);
    }
    let (doc, generation) = (job.pending.doc, job.pending.generation);
    let about = About { stage: Stage::Extract, sha: &job.pending.sha, path: &job.path };
    about.started(run);
    let started = Instant::now();
    let (outcome, tries) = attempts(|| contents(run, reader, &job), |failure| about.retried(run, failure))?;
    let contents = match outcome {
        Ok(contents) => contents,
        Err(failure) => {
            settle(run, about, run.fps.extract, doc, Err(failure), tries, started)?;
            return Ok(true);
        }
    };
    live.board.open(job);
    let mut seen = HashSet::new();
    let mut open = Vec::new();
    for (number, unit) in contents.units.iter().enumerate() {
        if !seen.insert(unit.key) {
            continue;
        }
        let settled = || -> Result<bool, RunError> {
            Ok(reader.is_answered(run.question, &unit.key, generation)?
                || reader.unit_failure(run.question, &unit.key, generation)?.is_some())
        };
        match live.board.claim(unit.key, doc, settled)? {
            Claim::Mine => open.push(number),
            Claim::Settled | Claim::Shared => {}
            Claim::Nobody => {
                live.board.forget(doc);
                return Ok(false);
            }
        }
    }
    let (units, context) = contents.in_context(live.remote.context, &open, pack.size);
    run.contexts.count(context);
    for unit in units {
        if !pack.add(live, unit, doc, requests) {
            live.board.forget(doc);
            return Ok(false);
        }
    }
    live.board.planned(doc);
    Ok(!live.is_halted())
}

impl Pack {
    /// Adds a unit and sends the pack if it is full. Says whether to go on.
    fn add(&mut self, live: &Live<'_>, unit: Unit, doc: DocId, requests: &Sender<Ask>) -> bool {
        if !takes(&self.units, &unit) && !self.send(live, requests) {
            return false;
        }
        if self.units.is_empty() {
            self.doc = doc;
            self.since = Instant::now();
        }
        self.units.push(unit);
        self.units.len() < self.size || self.send(live, requests)
    }

    fn send(&mut self, live: &Live<'_>, requests: &Sender<Ask>) -> bool {
        let units = std::mem::take(&mut self.units);
        // The queue is closed when nothing new is begun.
        units.is_empty() || requests.blocking_send(Ask::new(&live.run.pipeline, units, self.doc)).is_ok()
    }
}
