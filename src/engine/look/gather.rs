//! What vocabulary files say, as tables: books, their statements on terms, passages, and each sentence once.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, Statement, params};

use super::context::place_in;
use super::error::LookError;
use crate::stages::consolidate::{PLACES_OF_A_DOCUMENT, read_vocabulary};
use crate::values::{Entry, Fingerprint, Occurrence, SectionKind, Vocabulary};

/// The tables. `statement.term` is filled in once the terms are known; `entry` is what the merging needs.
pub(super) const SCHEMA: &str = "
CREATE TABLE book (
  n INTEGER PRIMARY KEY, path TEXT NOT NULL, file TEXT, doc INTEGER, title TEXT, author TEXT, language TEXT, format TEXT,
  section_kind TEXT, last_section INTEGER NOT NULL DEFAULT 0, terms INTEGER NOT NULL DEFAULT 0, own INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL, reason TEXT);
CREATE TABLE statement (
  id INTEGER PRIMARY KEY, book INTEGER NOT NULL, term INTEGER, canonical TEXT NOT NULL, rank INTEGER NOT NULL, text TEXT NOT NULL,
  occurrences INTEGER NOT NULL, category TEXT, intent TEXT, confidence REAL, definition TEXT, definition_source TEXT,
  definition_section INTEGER, definition_start INTEGER, definition_end INTEGER, first_section INTEGER, entry TEXT NOT NULL);
CREATE TABLE sentence (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE place (
  statement INTEGER NOT NULL, section INTEGER NOT NULL, start INTEGER NOT NULL, ends INTEGER NOT NULL, sentence INTEGER NOT NULL,
  at INTEGER NOT NULL, length INTEGER NOT NULL, PRIMARY KEY (statement, start, ends)) WITHOUT ROWID;
CREATE TABLE label (book INTEGER NOT NULL, section INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (book, section)) WITHOUT ROWID;
";

/// Takes vocabulary files into the tables, one after the other.
pub(super) struct Gatherer<'a> {
    db: &'a Connection,
    statement: Statement<'a>,
    place: Statement<'a>,
    sentence: Statement<'a>,
    label: Statement<'a>,
    /// Books by content: a copy counts once.
    known: HashMap<Fingerprint, String>,
    books: u32,
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(db: &'a Connection) -> Result<Self, LookError> {
        Ok(Self {
            db,
            statement: db.prepare(
                "INSERT INTO statement (book, canonical, rank, text, occurrences, category, intent, confidence, definition,
                                        definition_source, definition_section, definition_start, definition_end, first_section, entry)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?,
            place: db.prepare("INSERT OR IGNORE INTO place VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?,
            sentence: db.prepare("INSERT INTO sentence (book, text) VALUES (?1, ?2)")?,
            label: db.prepare("INSERT OR IGNORE INTO label VALUES (?1, ?2, ?3)")?,
            known: HashMap::new(),
            books: 0,
        })
    }

    /// Takes one file. One that cannot be used becomes a book that says so; one that goes away meanwhile is none.
    pub(super) fn take(&mut self, folder: &Path, file: &Path) -> Result<(), LookError> {
        let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy().into_owned();
        let Ok(bytes) = std::fs::read(file) else { return Ok(()) };
        let vocabulary = match read_vocabulary(&bytes) {
            Ok(vocabulary) => vocabulary,
            Err(reason) => return self.book(&name, &name, None, "unusable", Some(&reason.to_string())),
        };
        let path = vocabulary.metadata.source_path.clone();
        if let Some(first) = self.known.get(&vocabulary.metadata.source_hash) {
            let reason = format!("the same content as {first}");
            return self.book(&path, &name, Some(&vocabulary), "copy", Some(&reason));
        }
        self.known.insert(vocabulary.metadata.source_hash, path.clone());
        self.book(&path, &name, Some(&vocabulary), "done", None)?;
        self.entries(vocabulary)
    }

    fn book(
        &mut self,
        path: &str,
        file: &str,
        vocabulary: Option<&Vocabulary>,
        state: &str,
        reason: Option<&str>,
    ) -> Result<(), LookError> {
        self.books += 1;
        let places = vocabulary.iter().flat_map(|v| &v.entries).flat_map(|e| &e.occurrences);
        let last = places.clone().map(|o| o.section).max().unwrap_or(0);
        let kind = places.map(|o| o.section_kind).next().map(|kind| match kind {
            SectionKind::Page => "page",
            SectionKind::Chapter => "chapter",
        });
        let about = vocabulary.map(|v| &v.metadata);
        self.db.execute(
            "INSERT INTO book (n, path, file, title, author, language, format, section_kind, last_section, terms, state, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                self.books,
                path,
                file,
                about.and_then(|m| m.title.as_deref()),
                about.and_then(|m| m.author.as_deref()),
                about.and_then(|m| m.language.as_deref()),
                about.map(|m| m.format.word()),
                kind,
                last,
                vocabulary.map_or(0, |v| v.entries.len() as i64),
                state,
                reason
            ],
        )?;
        Ok(())
    }

    fn entries(&mut self, vocabulary: Vocabulary) -> Result<(), LookError> {
        let book = self.books;
        let mut sentences: HashMap<(usize, String), i64> = HashMap::new();
        for mut entry in vocabulary.entries {
            let places = std::mem::take(&mut entry.occurrences);
            entry.occurrences = places.iter().take(PLACES_OF_A_DOCUMENT).cloned().collect();
            entry.evidence = None;
            let statement = self.say(book, &entry, places.iter().map(|o| o.section).min())?;
            for place in places {
                if let Some(label) = &place.section_label {
                    self.label.execute(params![book, place.section, label])?;
                }
                let (at, length) = where_in(&entry, &place);
                let key = (place.sentence_start, place.sentence);
                let sentence = match sentences.get(&key) {
                    Some(known) => *known,
                    None => {
                        let id = self.sentence.insert(params![book, key.1])?;
                        sentences.insert(key, id);
                        id
                    }
                };
                self.place.execute(params![
                    statement,
                    place.section,
                    place.start as i64,
                    place.end as i64,
                    sentence,
                    at as i64,
                    length as i64
                ])?;
            }
        }
        Ok(())
    }

    fn say(&mut self, book: u32, entry: &Entry, first_section: Option<u32>) -> Result<i64, LookError> {
        let place = entry.definition_place;
        let source = entry.definition_source.and_then(|source| serde_json::to_value(source).ok());
        Ok(self.statement.insert(params![
            book,
            entry.canonical,
            entry.rank,
            entry.text,
            entry.occurrence_count.cast_signed(),
            entry.category,
            entry.intent,
            entry.confidence,
            entry.definition,
            source.as_ref().and_then(|source| source.as_str()),
            place.map(|p| p.section),
            place.map(|p| p.start as i64),
            place.map(|p| p.end as i64),
            first_section,
            serde_json::to_string(entry).expect("string keys and finite numbers")
        ])?)
    }
}

/// Place of a term in the sentence of one of its occurrences; no length where it is not found.
fn where_in(entry: &Entry, place: &Occurrence) -> (usize, usize) {
    let forms: Vec<&str> = [entry.text.as_str(), entry.canonical.as_str()]
        .into_iter()
        .chain(entry.aliases.iter().map(String::as_str))
        .collect();
    let offset = place.start.saturating_sub(place.sentence_start);
    place_in(&place.sentence, offset, place.end.saturating_sub(place.start), &forms).unwrap_or((0, 0))
}
