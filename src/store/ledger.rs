//! Reading what providers said and what it cost.

use rusqlite::params;

use super::{DocId, FpId, Reader, StoreError};
use crate::values::{Cost, Fingerprint, Usage};

/// A response that was stored and not looked into before the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadResponse {
    /// Its number.
    pub id: i64,
    /// The document that asked first.
    pub doc: DocId,
    /// The units asked about.
    pub units: Vec<Fingerprint>,
    /// Generation of the answers.
    pub generation: i64,
    /// Attempt, from 1.
    pub attempt: u32,
    /// Estimated tokens.
    pub estimate: Usage,
    /// The body, compressed.
    pub raw: Vec<u8>,
}

/// Sums over answers, or over requests that were lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerSums {
    /// Answers, or lost requests.
    pub count: u64,
    /// Of these, answers whose tokens the provider did not tell.
    pub untold: u64,
    /// Of these, those whose price is not known.
    pub unpriced: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What the priced ones cost.
    pub cost: Cost,
}

/// Answers whose tokens the provider told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// Their number, tokens and cost.
    pub sums: LedgerSums,
    /// Prompt tokens that were estimated for them.
    pub estimated: u64,
    /// Mean time that they took.
    pub latency_ms: f64,
}

/// What one model cost for one document and question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// One of the document's paths; none if every file with it is gone and forgotten.
    pub path: Option<String>,
    /// Model, as asked for.
    pub model: String,
    /// Description of the question, JSON.
    pub question: String,
    /// Answers.
    pub answers: LedgerSums,
    /// Requests without an answer that may have been billed: at most this.
    pub lost: LedgerSums,
}

const SUMS: &str = "count(*), coalesce(sum(told = 0), 0), coalesce(sum(cost IS NULL), 0), coalesce(sum(input), 0), coalesce(sum(cache_read), 0),
    coalesce(sum(cache_write_5m), 0), coalesce(sum(cache_write_1h), 0), coalesce(sum(output), 0), coalesce(sum(cost), 0)";
const LOST_SUMS: &str = "count(*), count(*), coalesce(sum(cost IS NULL), 0), coalesce(sum(input), 0), 0, 0, 0, coalesce(sum(output), 0), coalesce(sum(cost), 0)";

fn sums(r: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<LedgerSums> {
    let number = |n: usize| r.get::<_, i64>(from + n).map(i64::cast_unsigned);
    Ok(LedgerSums {
        count: number(0)?,
        untold: number(1)?,
        unpriced: number(2)?,
        usage: Usage {
            input: number(3)?,
            cache_read: number(4)?,
            cache_write_5m: number(5)?,
            cache_write_1h: number(6)?,
            output: number(7)?,
        },
        cost: Cost(r.get(from + 8)?),
    })
}

impl Reader {
    /// The description of a fingerprint, JSON.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn spec(&self, fp: FpId) -> Result<Option<String>, StoreError> {
        use rusqlite::OptionalExtension;
        self.query(|db| db.query_row("SELECT spec FROM fp WHERE id = ?1", [fp.0], |r| r.get(0)).optional())
    }

    /// The number for the next response.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn next_response(&self) -> Result<i64, StoreError> {
        self.query(|db| db.query_row("SELECT coalesce(max(id), 0) + 1 FROM response", [], |r| r.get(0)))
    }

    /// Responses to a question that were stored and not looked into, after number `after`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn unread_responses(
        &self,
        question: FpId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<UnreadResponse>, StoreError> {
        self.collect(
            "SELECT r.id, r.doc, r.units, r.generation, r.attempt, r.input, r.output, w.z FROM response r JOIN raw w ON w.id = r.id
             WHERE r.state = 0 AND r.fp = ?1 AND r.id > ?2 ORDER BY r.id LIMIT ?3",
            params![question.0, after, limit as i64],
            |r| {
                let units: Vec<u8> = r.get(2)?;
                let units = units.chunks_exact(32).map(|u| Fingerprint(u.try_into().expect("32 bytes"))).collect();
                Ok(UnreadResponse {
                    id: r.get(0)?,
                    doc: DocId(r.get(1)?),
                    units,
                    generation: r.get(3)?,
                    attempt: r.get(4)?,
                    estimate: Usage {
                        input: r.get::<_, i64>(5)?.cast_unsigned(),
                        output: r.get::<_, i64>(6)?.cast_unsigned(),
                        ..Usage::default()
                    },
                    raw: r.get(7)?,
                })
            },
        )
    }

    /// Whether a unit has an answer that is not older than `generation`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn is_answered(&self, question: FpId, unit: &Fingerprint, generation: i64) -> Result<bool, StoreError> {
        self.query(|db| {
            db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1
                                WHERE u.sha = ?2 AND a.generation >= ?3)",
            )?
            .query_row(params![question.0, unit.0, generation], |r| r.get(0))
        })
    }

    /// Why a unit got no answer, if it was given up in this generation or a later one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn unit_failure(
        &self,
        question: FpId,
        unit: &Fingerprint,
        generation: i64,
    ) -> Result<Option<(String, String)>, StoreError> {
        self.query(|db| {
            use rusqlite::OptionalExtension;
            db.prepare_cached(
                "SELECT f.kind, f.message FROM unit u JOIN unit_failure f ON f.unit = u.id AND f.fp = ?1
                 WHERE u.sha = ?2 AND f.generation >= ?3",
            )?
            .query_row(params![question.0, unit.0, generation], |r| Ok((r.get(0)?, r.get(1)?)))
            .optional()
        })
    }

    /// Whether the store has a ledger: those of version 1 have none, and are not migrated by those who only read.
    fn has_ledger(&self) -> Result<bool, StoreError> {
        self.query(|db| db.query_row("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'lost'", [], |r| r.get(0)))
    }

    /// What answers cost in this store, and what lost requests may have cost.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn ledger_sums(&self) -> Result<(LedgerSums, LedgerSums), StoreError> {
        if !self.has_ledger()? {
            return Ok(Default::default());
        }
        self.query(|db| {
            Ok((
                db.query_row(&format!("SELECT {SUMS} FROM response"), [], |r| sums(r, 0))?,
                db.query_row(&format!("SELECT {LOST_SUMS} FROM lost"), [], |r| sums(r, 0))?,
            ))
        })
    }

    /// What the answers to a question came to on the average, if the provider told the tokens of any.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn told(&self, question: FpId) -> Result<Option<Told>, StoreError> {
        let sql = format!(
            "SELECT {SUMS}, coalesce(sum(estimated), 0), coalesce(avg(latency_ms), 0) FROM response WHERE fp = ?1 AND told = 1"
        );
        let told = self.query(|db| {
            db.query_row(&sql, [question.0], |r| {
                let estimated = r.get::<_, i64>(9)?.cast_unsigned();
                Ok(Told { sums: sums(r, 0)?, estimated, latency_ms: r.get(10)? })
            })
        })?;
        Ok(Some(told).filter(|t| t.sums.count > 0))
    }

    /// The ledger by document, question and model, in path order, streamed to `each`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn ledger(&self, mut each: impl FnMut(LedgerRow)) -> Result<(), StoreError> {
        if !self.has_ledger()? {
            return Ok(());
        }
        let sql = "SELECT (SELECT min(path) FROM file WHERE doc = k.doc) AS path, k.model, coalesce(p.spec, ''), k.doc, k.fp FROM
               (SELECT DISTINCT doc, fp, model FROM response UNION SELECT DISTINCT doc, fp, model FROM lost) k
             LEFT JOIN fp p ON p.id = k.fp ORDER BY path, k.model, k.fp";
        let answers = format!("SELECT {SUMS} FROM response WHERE doc = ?1 AND fp = ?2 AND model = ?3");
        let lost = format!("SELECT {LOST_SUMS} FROM lost WHERE doc = ?1 AND fp = ?2 AND model = ?3");
        self.query(|db| {
            let mut keys = db.prepare(sql)?;
            let mut answers = db.prepare(&answers)?;
            let mut lost = db.prepare(&lost)?;
            let mut rows = keys.query([])?;
            while let Some(r) = rows.next()? {
                let model: String = r.get(1)?;
                let key = (r.get::<_, i64>(3)?, r.get::<_, i64>(4)?, &model);
                each(LedgerRow {
                    path: r.get(0)?,
                    question: r.get(2)?,
                    answers: answers.query_row(params![key.0, key.1, key.2], |r| sums(r, 0))?,
                    lost: lost.query_row(params![key.0, key.1, key.2], |r| sums(r, 0))?,
                    model,
                });
            }
            Ok(())
        })
    }
}
