//! Contents of a document for `extract`: its units, what a model is told of them, and its items once they are answered.

use std::collections::HashMap;
use std::sync::Arc;

use super::request::told_in_requests;
use crate::engine::attempts::StageError;
use crate::engine::context::Run;
use crate::engine::feed::Job;
use crate::engine::large::LARGE;
use crate::engine::parser::Parser;
use crate::stages::extract::{self, Context, ContextChoice, Head, Phrasing, Unit, UnitAnswer};
use crate::stages::pipeline::Method;
use crate::store::{self, Change, Reader};
use crate::values::{Chunk, Extraction, Failure, FailureKind, Fingerprint, ParsedDocument, Span};

/// Contents of a document for `extract`.
pub(in crate::engine) struct Contents {
    document: Arc<ParsedDocument>,
    chunks: Arc<Vec<Chunk>>,
    /// Found locally, for the method `terms`.
    candidates: Extraction,
    /// One for each chunk or candidate, in order; a term with a sentence as its context.
    pub(in crate::engine) units: Vec<Unit>,
    /// For each term the number of the chunk in which it stands first.
    in_chunks: Vec<Option<usize>>,
}

impl Contents {
    /// Names the units of a document; for the method `terms` those of the candidates that were found in it.
    pub(in crate::engine) fn of(
        method: &Method,
        document: Arc<ParsedDocument>,
        chunks: Arc<Vec<Chunk>>,
        candidates: Option<Extraction>,
    ) -> Self {
        let (candidates, units, in_chunks) = match method {
            Method::Passages(_) => {
                let unit = |chunk: &Chunk| {
                    let text = chunk.span.of(&document.text);
                    let book = Head::of(&document, Some(chunk));
                    Unit { key: extract::unit_key(text), text: text.into(), book, ..Unit::default() }
                };
                (Extraction::default(), chunks.iter().map(unit).collect(), Vec::new())
            }
            Method::Terms(_) => {
                let candidates = candidates.unwrap_or_else(|| extract::extract_embedded(method, &document));
                let terms = extract::term_units(&document, &candidates);
                let in_chunks = terms.iter().map(|term| chunk_with(&chunks, term.first?)).collect();
                let book = Head::of(&document, None);
                let unit = |term: extract::TermUnit| Unit {
                    key: term.key,
                    name: Some(term.text),
                    text: term.sentence.into(),
                    heading: term.heading.into(),
                    passage: None,
                    book: book.clone(),
                };
                (candidates, terms.into_iter().map(unit).collect(), in_chunks)
            }
        };
        Self { document, chunks, candidates, units, in_chunks }
    }

    /// The units of these numbers as a model is to be told of them; and for terms, in which context.
    pub(in crate::engine) fn in_context(
        self,
        choice: ContextChoice,
        phrasing: &Phrasing,
        open: &[usize],
        per_request: usize,
    ) -> (Vec<Unit>, Option<Context>) {
        let mut alone: Vec<Unit> = open.iter().map(|&n| self.units[n].clone()).collect();
        if self.in_chunks.is_empty() || open.is_empty() {
            return (alone, None);
        }
        let mut passages: HashMap<usize, Arc<str>> = HashMap::new();
        let mut in_chunks: Vec<(Option<usize>, Unit)> = Vec::with_capacity(open.len());
        for (&n, unit) in open.iter().zip(&alone) {
            in_chunks.push(match self.in_chunks[n] {
                Some(chunk) => {
                    let passage =
                        passages.entry(chunk).or_insert_with(|| self.chunks[chunk].span.of(&self.document.text).into());
                    (
                        Some(chunk),
                        Unit {
                            text: "".into(),
                            heading: "".into(),
                            passage: Some(Arc::clone(passage)),
                            ..unit.clone()
                        },
                    )
                }
                None => (None, unit.clone()),
            });
        }
        in_chunks.sort_by_key(|(chunk, _)| *chunk);
        let in_chunks: Vec<Unit> = in_chunks.into_iter().map(|(_, unit)| unit).collect();
        by_sentence(&mut alone);
        // A chunk with more terms than a request holds is told again.
        let tokens = |units: &[Unit]| told_in_requests(phrasing, units, per_request);
        match choice.choose(tokens(&alone), tokens(&in_chunks)) {
            Context::Candidates => (alone, Some(Context::Candidates)),
            Context::Chunks => (in_chunks, Some(Context::Chunks)),
        }
    }

    /// The answers to the units, in order, out of changes that are not committed yet, and out of what is stored.
    ///
    /// # Errors
    /// If one is missing.
    pub(in crate::engine) fn answered_by(
        &self,
        changes: &[Change],
        stored: &HashMap<Fingerprint, Vec<u8>>,
    ) -> Result<Vec<UnitAnswer>, Failure> {
        let fresh = changes.iter().filter_map(|change| match change {
            Change::Answer { unit, answer, .. } => Some((unit, answer.as_slice())),
            _ => None,
        });
        let stored = stored.iter().map(|(unit, answer)| (unit, answer.as_slice()));
        let given: HashMap<&Fingerprint, &[u8]> = stored.chain(fresh).collect();
        let missing = || Failure::new(FailureKind::Internal, "a unit has neither answer nor failure");
        let answer = |unit: &Unit| {
            let bytes = given.get(&unit.key).ok_or_else(missing)?;
            store::decode(bytes).map_err(|words| Failure::new(FailureKind::Internal, words))
        };
        self.units.iter().map(answer).collect()
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

/// Brings terms of one sentence together, which is told once then; otherwise in the order in which they are.
fn by_sentence(units: &mut [Unit]) {
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    for (place, unit) in units.iter().enumerate() {
        places.entry(Arc::clone(&unit.text)).or_insert(place);
    }
    units.sort_by_key(|unit| places[&unit.text]);
}

/// The first of the chunks that holds a place whole.
fn chunk_with(chunks: &[Chunk], place: Span) -> Option<usize> {
    let at = chunks.partition_point(|chunk| chunk.span.end < place.end);
    (chunks.get(at)?.span.start <= place.start).then_some(at)
}

/// Loads a document and names its units.
pub(in crate::engine) fn contents(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<Contents, StageError> {
    let candidates = candidates_of_large(run, reader, job)?;
    let _turn = run.large.take(reader, &run.fps, job.pending.doc)?;
    let document = reader.artifact::<ParsedDocument>(&run.fps, job.pending.doc)?;
    let chunks = reader.artifact::<Vec<Chunk>>(&run.fps, job.pending.doc)?;
    Ok(Contents::of(&run.pipeline.method, Arc::new(document), Arc::new(chunks), candidates))
}

/// Candidates of a large document, found by a worker within its limits; none of one that is not large, or if a model is asked for all.
fn candidates_of_large(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<Option<Extraction>, StageError> {
    let method = &run.pipeline.method;
    if !matches!(method, Method::Terms(_)) {
        return Ok(None);
    }
    let Some(parsed) = reader.large_artifact::<ParsedDocument>(&run.fps, job.pending.doc, LARGE)? else {
        return Ok(None);
    };
    let Some(found) = Parser::new(&run.parsing).terms(&parsed, method) else { return Ok(None) };
    let candidates = store::decode(&found?.artifact);
    Ok(Some(candidates.map_err(|words| Failure::new(FailureKind::Internal, format!("the worker's reply: {words}")))?))
}
