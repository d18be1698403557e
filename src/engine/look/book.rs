//! One book, page by page.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use super::build::Look;
use super::error::LookError;
use super::parsed::{self, LookSource};
use super::shapes::{BookCard, Chapter};
use super::shelf;

/// Best terms told of a book.
const BEST: i64 = 40;

/// Best terms told of a chapter.
const OF_A_CHAPTER: i64 = 5;

impl Look {
    /// The card of a book.
    ///
    /// # Errors
    /// If there is none, or the database cannot be used.
    pub fn book(&self, source: LookSource<'_>, n: u32) -> Result<BookCard, LookError> {
        let sql =
            "SELECT n, path, title, author, format, terms, own, state, reason, language, section_kind, last_section
                   FROM books.book WHERE n = ?1";
        let mut query = self.db.prepare_cached(sql)?;
        let found = query.query_row([n], |r| {
            Ok((shelf::book(r)?, r.get(9)?, r.get::<_, Option<String>>(10)?, r.get::<_, u32>(11)?))
        });
        let Some((book, language, kind, last)) = found.optional()? else {
            return Err(LookError::Missing(format!("book {n}")));
        };
        let parsed = parsed::text_of(&self.db, source, n)?;
        let first = self.first_sections(n)?;
        let mut chapters = match &parsed {
            Some(parsed) => parsed::chapters(parsed),
            None => self.labelled(n, kind.as_deref())?,
        };
        let sections = parsed.as_ref().and_then(|p| p.sections.last()).map_or(last, |s| s.number.max(last));
        self.fill_chapters(n, &mut chapters)?;
        Ok(BookCard {
            language,
            section_kind: kind.unwrap_or_else(|| "page".to_owned()),
            sections,
            first,
            unread: parsed.as_ref().map(parsed::unread).unwrap_or_default(),
            chapters,
            best: self.best(n, 0, u32::MAX, BEST)?,
            notes: parsed.as_ref().map(|p| p.notes.clone()).unwrap_or_default(),
            has_text: parsed.is_some(),
            book,
        })
    }

    /// Labels of the sections that places name, by book.
    pub(super) fn labels(&self) -> Result<BTreeMap<u32, BTreeMap<u32, String>>, LookError> {
        let mut labels: BTreeMap<u32, BTreeMap<u32, String>> = BTreeMap::new();
        let mut query = self.db.prepare_cached("SELECT book, section, label FROM books.label")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            labels.entry(row.get(0)?).or_default().insert(row.get(1)?, row.get(2)?);
        }
        Ok(labels)
    }

    fn first_sections(&self, n: u32) -> Result<Vec<(u32, u32)>, LookError> {
        let sql = "SELECT first_section, count(*) FROM books.statement WHERE book = ?1 AND term IS NOT NULL AND first_section IS NOT NULL
                   GROUP BY first_section ORDER BY first_section";
        let mut query = self.db.prepare_cached(sql)?;
        Ok(query.query_map([n], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    /// Chapters by the titles that places name, where there is no text to ask.
    fn labelled(&self, n: u32, kind: Option<&str>) -> Result<Vec<Chapter>, LookError> {
        if kind != Some("chapter") {
            return Ok(Vec::new());
        }
        let mut query =
            self.db.prepare_cached("SELECT section, label FROM books.label WHERE book = ?1 ORDER BY section")?;
        let chapter = |r: &rusqlite::Row<'_>| {
            Ok(Chapter { section: r.get(0)?, title: r.get(1)?, level: 1, ..Chapter::default() })
        };
        Ok(query.query_map([n], chapter)?.collect::<Result<_, _>>()?)
    }

    /// Puts to each chapter the terms that stand in it first: up to the next entry.
    fn fill_chapters(&self, n: u32, chapters: &mut [Chapter]) -> Result<(), LookError> {
        let sections: Vec<u32> = chapters.iter().map(|c| c.section).collect();
        for (at, chapter) in chapters.iter_mut().enumerate() {
            let end = sections[at + 1..].iter().copied().find(|s| *s > chapter.section).unwrap_or(u32::MAX);
            let sql = "SELECT count(*) FROM books.statement WHERE book = ?1 AND term IS NOT NULL AND first_section >= ?2 AND first_section < ?3";
            let mut query = self.db.prepare_cached(sql)?;
            chapter.terms = query.query_row(params![n, chapter.section, end], |r| r.get(0))?;
            chapter.best = self.best(n, chapter.section, end, OF_A_CHAPTER)?;
        }
        Ok(())
    }

    /// Best terms of a book that stand first in some sections.
    fn best(&self, n: u32, from: u32, to: u32, limit: i64) -> Result<Vec<(String, String)>, LookError> {
        let sql = "SELECT t.id, t.text FROM books.statement s JOIN terms t ON t.rank = s.term
                   WHERE s.book = ?1 AND coalesce(s.first_section, 0) >= ?2 AND coalesce(s.first_section, 0) < ?3
                   ORDER BY s.rank LIMIT ?4";
        let mut query = self.db.prepare_cached(sql)?;
        let rows = query.query_map(params![n, from, to, limit], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
