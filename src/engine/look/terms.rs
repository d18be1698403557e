//! Lists of terms, a page at a time, and their facets.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::build::Look;
use super::error::LookError;
use super::query::{Condition, Facet, TermQuery};
use super::shapes::{Bucket, Facets, TermPage, TermRow};

/// Books told of a term on its line.
const BOOKS: i64 = 12;

/// Characters of a definition on a line.
const BEGINNING: usize = 180;

/// Terms whose books are counted at most: they have to be looked for one by one.
const OF_BOOKS: u64 = 20_000;

/// Values shown of a facet.
const VALUES: usize = 40;

/// Columns of a term's line.
pub(super) const COLUMNS: &str =
    "t.rank, t.id, t.text, t.canonical, t.kind, t.category, t.mood, t.intent, t.energy, t.ip_flag, t.axes,
    t.definition, t.document_count, t.occurrence_count, t.score, i.conflicts";

impl Look {
    /// A page of the terms that fit a question.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn terms(&self, query: &TermQuery) -> Result<TermPage, LookError> {
        let Condition { sql: condition, mut values, order, order_values } = query.condition();
        let sql = format!("SELECT count(*) FROM item i WHERE {condition}");
        let total: i64 = self.db.prepare_cached(&sql)?.query_row(params_from_iter(&values), |r| r.get(0))?;
        values.extend(order_values);
        let given = values.len();
        values.extend([query.limit, query.offset].map(|n| Value::Integer(n.cast_signed())));
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT i.term, i.conflicts FROM item i WHERE {condition} ORDER BY {order} LIMIT ?{} OFFSET ?{}) i
             JOIN terms t ON t.rank = i.term",
            given + 1,
            given + 2
        );
        let mut query = self.db.prepare_cached(&sql)?;
        let mut rows = query.query_map(params_from_iter(&values), row)?.collect::<Result<Vec<_>, _>>()?;
        for row in &mut rows {
            self.finish(row)?;
        }
        Ok(TermPage { total: total.cast_unsigned(), rows })
    }

    /// Puts the books to a line, and shortens its definition.
    fn finish(&self, row: &mut TermRow) -> Result<(), LookError> {
        row.books = self.books_of(row.rank)?;
        if let Some(whole) = &row.definition
            && let Some((at, _)) = whole.char_indices().nth(BEGINNING)
        {
            row.definition = Some(format!("{}…", whole[..at].trim_end()));
        }
        Ok(())
    }

    /// Numbers of books that have a term, a few.
    pub(super) fn books_of(&self, term: u64) -> Result<Vec<u32>, LookError> {
        let sql = "SELECT DISTINCT book FROM books.statement WHERE term = ?1 ORDER BY book LIMIT ?2";
        let mut query = self.db.prepare_cached(sql)?;
        Ok(query.query_map([term.cast_signed(), BOOKS], |r| r.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Values of the terms that fit a question, with their counts.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn facets(&self, query: &TermQuery) -> Result<Facets, LookError> {
        let Condition { sql: condition, values, .. } = query.condition();
        let most = Facets::MOST;
        let sql = format!(
            "SELECT i.category, i.kind, i.mood, i.intent, i.energy, i.flag, i.defined, i.documents > 1, i.conflicts > 0, i.fresh,
                    d.action FROM item i LEFT JOIN temp.decided d ON d.canonical = i.canonical
             WHERE {condition} ORDER BY i.term LIMIT {most}"
        );
        let mut counts: [BTreeMap<String, u64>; 7] = Default::default();
        let mut of = 0;
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        while let Some(row) = rows.next()? {
            of += 1;
            for (column, counts) in counts.iter_mut().take(6).enumerate() {
                if let Some(value) = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? {
                    count(counts, value);
                }
            }
            for (column, name) in [(6, "defined"), (7, "shared"), (8, "conflict"), (9, "fresh")] {
                if row.get::<_, bool>(column)? {
                    count(&mut counts[6], name);
                }
            }
            let decided = row.get_ref(10)?.as_str_or_null().map_err(rusqlite::Error::from)?.is_some();
            count(&mut counts[6], if decided { "decided" } else { "open" });
        }
        let facets =
            [Facet::Category, Facet::Kind, Facet::Mood, Facet::Intent, Facet::Energy, Facet::Flag, Facet::Only];
        let mut values: BTreeMap<&'static str, Vec<Bucket>> =
            facets.into_iter().zip(counts).map(|(facet, counts)| (facet.name(), buckets(counts))).collect();
        let is_whole = query.words.is_empty() && query.facets.is_empty();
        if is_whole || of <= OF_BOOKS {
            values.insert(Facet::Book.name(), self.book_facet(query)?);
        }
        Ok(Facets { of, values })
    }

    /// Books of the terms that fit, the one with most of them first.
    fn book_facet(&self, query: &TermQuery) -> Result<Vec<Bucket>, LookError> {
        let Condition { sql: condition, values, .. } = query.condition();
        let sql = match query.words.is_empty() && query.facets.is_empty() {
            true => "SELECT n, terms FROM books.book WHERE terms > 0 ORDER BY terms DESC, n LIMIT 40".to_owned(),
            false => format!(
                "SELECT s.book, count(*) FROM item i JOIN books.statement s ON s.term = i.term
                 WHERE {condition} GROUP BY s.book ORDER BY 2 DESC, 1 LIMIT 40"
            ),
        };
        let mut query = self.db.prepare_cached(&sql)?;
        let rows = query.query_map(params_from_iter(&values), |r| {
            Ok(Bucket { value: r.get::<_, u32>(0)?.to_string(), terms: r.get::<_, i64>(1)?.cast_unsigned() })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn count(counts: &mut BTreeMap<String, u64>, value: &str) {
    match counts.get_mut(value) {
        Some(known) => *known += 1,
        None => drop(counts.insert(value.to_owned(), 1)),
    }
}

/// The commonest values, the commonest first.
fn buckets(counts: BTreeMap<String, u64>) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> = counts.into_iter().map(|(value, terms)| Bucket { value, terms }).collect();
    buckets.sort_by(|a, b| b.terms.cmp(&a.terms).then_with(|| a.value.cmp(&b.value)));
    buckets.truncate(VALUES);
    buckets
}

/// A line, without its books.
pub(super) fn row(r: &Row<'_>) -> rusqlite::Result<TermRow> {
    let number = |column: usize| r.get::<_, i64>(column).map(i64::cast_unsigned);
    let axes: Option<String> = r.get(10)?;
    Ok(TermRow {
        rank: number(0)?,
        id: r.get(1)?,
        text: r.get(2)?,
        canonical: r.get(3)?,
        kind: r.get(4)?,
        category: r.get(5)?,
        mood: r.get(6)?,
        intent: r.get(7)?,
        energy: r.get(8)?,
        flag: r.get(9)?,
        axes: axes.and_then(|axes| serde_json::from_str(&axes).ok()),
        definition: r.get(11)?,
        documents: number(12)?,
        occurrences: number(13)?,
        score: r.get(14)?,
        conflicts: number(15)?,
        books: Vec::new(),
    })
}
