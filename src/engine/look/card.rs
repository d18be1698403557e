//! Everything that is known of one term, and the page that a passage stands on.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use super::build::Look;
use super::error::LookError;
use super::parsed::{self, LookSource};
use super::shapes::{PageText, PageToDraw, Passage, Statement, TermCard};
use super::terms::{COLUMNS, row};
use crate::values::{MasterEntry, SourcePath};

/// Passages shown of one book.
const PASSAGES: i64 = 40;

/// Terms in the same sentences that are told.
const NEIGHBOURS: i64 = 12;

impl Look {
    /// The card of the term with this id.
    ///
    /// # Errors
    /// If there is none, or the database cannot be used.
    pub fn term(&self, id: &str) -> Result<TermCard, LookError> {
        let sql = format!("SELECT {COLUMNS}, t.entry FROM item i JOIN terms t ON t.rank = i.term WHERE i.id = ?1");
        let mut query = self.db.prepare_cached(&sql)?;
        let found = query.query_row([id], |r| Ok((row(r)?, r.get::<_, String>(16)?))).optional()?;
        let (mut row, entry) = found.ok_or_else(|| LookError::Missing(format!("term {id}")))?;
        let entry: MasterEntry =
            serde_json::from_str(&entry).map_err(|e| LookError::Missing(format!("readable entry of {id} ({e})")))?;
        row.books = self.books_of(row.rank)?;
        row.definition = None;
        let term = row.rank.cast_signed();
        let (statements, sentences) = self.statements(term)?;
        Ok(TermCard {
            variants: entry.variants.into_iter().map(|v| (v.text, v.documents)).collect(),
            aliases: entry.aliases,
            renamed_from: entry.renamed_from,
            pos: entry.pos,
            genre: entry.genre,
            intents: entry.secondary_intents.unwrap_or_default(),
            tags: entry.tags.unwrap_or_default(),
            confidence: entry.confidence,
            meaning: entry.definition,
            sides: entry.conflicts,
            fields: entry.fields,
            neighbours: self.neighbours(term)?,
            statements,
            sentences,
            row,
        })
    }

    /// What books say of a term, and the sentences that their passages name.
    fn statements(&self, term: i64) -> Result<(Vec<Statement>, Vec<String>), LookError> {
        let sql = "SELECT s.id, s.book, s.text, s.occurrences, s.category, s.intent, s.confidence, s.definition, s.definition_source,
                          s.definition_section FROM books.statement s JOIN books.book b ON b.n = s.book
                   WHERE s.term = ?1 ORDER BY b.path, s.id LIMIT ?2";
        let mut query = self.db.prepare_cached(sql)?;
        let mut rows = query.query(params![term, TermCard::BOOKS as i64])?;
        let mut sentences = Vec::new();
        let mut known = BTreeMap::new();
        let mut statements = Vec::new();
        while let Some(r) = rows.next()? {
            statements.push(Statement {
                book: r.get(1)?,
                text: r.get(2)?,
                occurrences: r.get::<_, i64>(3)?.cast_unsigned(),
                category: r.get(4)?,
                intent: r.get(5)?,
                confidence: r.get(6)?,
                definition: r.get(7)?,
                definition_source: r.get(8)?,
                definition_section: r.get(9)?,
                passages: self.passages(r.get(0)?, r.get(1)?, &mut sentences, &mut known)?,
            });
        }
        Ok((statements, sentences))
    }

    fn passages(
        &self,
        statement: i64,
        book: u32,
        sentences: &mut Vec<String>,
        known: &mut BTreeMap<i64, usize>,
    ) -> Result<Vec<Passage>, LookError> {
        let sql = "SELECT p.section, l.label, p.sentence, p.at, p.length, s.text FROM books.place p
                   JOIN books.sentence s ON s.id = p.sentence
                   LEFT JOIN books.label l ON l.book = ?2 AND l.section = p.section
                   WHERE p.statement = ?1 ORDER BY p.start LIMIT ?3";
        let mut query = self.db.prepare_cached(sql)?;
        let mut rows = query.query(params![statement, book, PASSAGES])?;
        let mut passages = Vec::new();
        while let Some(r) = rows.next()? {
            let id: i64 = r.get(2)?;
            let sentence = match known.get(&id) {
                Some(number) => *number,
                None => {
                    sentences.push(r.get(5)?);
                    known.insert(id, sentences.len() - 1);
                    sentences.len() - 1
                }
            };
            passages.push(Passage {
                section: r.get(0)?,
                label: r.get(1)?,
                sentence,
                at: r.get::<_, i64>(3)? as usize,
                length: r.get::<_, i64>(4)? as usize,
            });
        }
        Ok(passages)
    }

    fn neighbours(&self, term: i64) -> Result<Vec<(String, String, u64)>, LookError> {
        let sql = "SELECT t.id, t.text, count(*) FROM books.statement s JOIN books.place p ON p.statement = s.id
                   JOIN books.place q ON q.sentence = p.sentence AND q.statement <> p.statement
                   JOIN books.statement o ON o.id = q.statement JOIN terms t ON t.rank = o.term
                   WHERE s.term = ?1 AND o.term <> ?1 GROUP BY o.term ORDER BY 3 DESC, o.term LIMIT ?2";
        let mut query = self.db.prepare_cached(sql)?;
        let rows =
            query.query_map([term, NEIGHBOURS], |r| Ok((r.get(0)?, r.get(1)?, r.get::<_, i64>(2)?.cast_unsigned())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Text of a section of a book, with a term marked in it.
    ///
    /// # Errors
    /// If the store does not have it.
    pub fn page(
        &self,
        source: LookSource<'_>,
        book: u32,
        section: u32,
        id: Option<&str>,
    ) -> Result<PageText, LookError> {
        let missing = || LookError::Missing(format!("text of section {section} of book {book}"));
        let parsed = parsed::text_of(&self.db, source, book)?.ok_or_else(missing)?;
        let (places, definition) = self.places(book, section, id)?;
        let page = parsed::page(&parsed, section, &places, definition).ok_or_else(missing)?;
        Ok(PageText { book, ..page })
    }

    /// What there is to draw of a page of a book, with a term marked on it.
    ///
    /// # Errors
    /// If the store does not have the book.
    pub fn page_to_draw(
        &self,
        source: LookSource<'_>,
        book: u32,
        section: u32,
        id: Option<&str>,
    ) -> Result<PageToDraw, LookError> {
        let missing = || LookError::Missing(format!("file of book {book}"));
        let (doc, path) = parsed::document_of(&self.db, book)?.ok_or_else(missing)?;
        let (reader, _) = source.ok_or_else(missing)?;
        let content = reader.content_of(doc)?.ok_or_else(missing)?;
        let parsed = parsed::text_of(&self.db, source, book)?.ok_or_else(missing)?;
        let (places, _) = self.places(book, section, id)?;
        let blocks = parsed::blocks(&parsed, section, &places);
        let sql = "SELECT s.text, t.entry FROM books.statement s JOIN item i ON i.term = s.term JOIN terms t ON t.rank = i.term
                   WHERE s.book = ?1 AND i.id = ?2";
        let mut query = self.db.prepare_cached(sql)?;
        let mut rows = query.query(params![book, id])?;
        let mut words = Vec::new();
        while let Some(row) = rows.next()? {
            words.push(row.get(0)?);
            let entry = serde_json::from_str::<MasterEntry>(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
            words.extend(entry.iter().flat_map(|entry| entry.other_names().map(str::to_owned)));
            words.extend(entry.map(|entry| entry.text));
        }
        Ok(PageToDraw { path: SourcePath::from_text(path), content, words, blocks })
    }

    /// Places of a term in a section of a book, and that of its definition, in characters of the document.
    fn places(&self, book: u32, section: u32, id: Option<&str>) -> Result<Places, LookError> {
        let sql =
            "SELECT s.id, s.definition_start, s.definition_end FROM books.statement s JOIN item i ON i.term = s.term
                   WHERE s.book = ?1 AND i.id = ?2";
        let mut query = self.db.prepare_cached(sql)?;
        let mut rows = query.query(params![book, id])?;
        let (mut places, mut definition) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let (statement, from, to): (i64, Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            definition = definition.or(from.zip(to).map(|(from, to)| (from as usize, to as usize)));
            let mut query =
                self.db.prepare_cached("SELECT start, ends FROM books.place WHERE statement = ?1 AND section = ?2")?;
            let found = query.query_map(params![statement, section], |r| {
                Ok((r.get::<_, i64>(0)? as usize, r.get::<_, i64>(1)? as usize))
            })?;
            places.extend(found.collect::<Result<Vec<_>, _>>()?);
        }
        Ok((places, definition))
    }
}

/// Places of a term, and that of its definition: begin and end.
type Places = (Vec<(usize, usize)>, Option<(usize, usize)>);
