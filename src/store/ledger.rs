//! Answers of providers and their cost: the tables `response`, `raw` and `lost`.

use std::collections::BTreeMap;

use rusqlite::params;

use super::change::StoredResponse;
use super::checksum::{Certified, checksum, is_sound};
use super::database::{Database, unsigned};
use super::{BatchId, DocId, FpId, Generation, Reader, ResponseId, StoreError};
use crate::values::{Cost, Fingerprint, ModelChange, Usage};

/// A response that was stored and not looked into before the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadResponse {
    /// Its number.
    pub id: ResponseId,
    /// The document that asked first.
    pub doc: DocId,
    /// The units asked about.
    pub units: Vec<Fingerprint>,
    /// Generation of the answers.
    pub generation: Generation,
    /// Attempt, from 1.
    pub attempt: u32,
    /// Estimated tokens.
    pub estimate: Usage,
    /// The body, compressed.
    pub raw: Vec<u8>,
    /// Batch that it came with; none if it came live.
    pub batch: Option<BatchId>,
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
    /// Cost of the priced ones.
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

/// What was answered and paid until a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Responses.
    pub responses: u64,
    /// Cost of those with a price.
    pub cost: Cost,
}

/// Cost of one model for one document and question.
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

pub(super) const SUMS: &str = "count(*), coalesce(sum(told = 0), 0), coalesce(sum(cost IS NULL), 0), coalesce(sum(input), 0), coalesce(sum(cache_read), 0),
    coalesce(sum(cache_write_5m), 0), coalesce(sum(cache_write_1h), 0), coalesce(sum(output), 0), coalesce(sum(cost), 0)";
pub(super) const LOST_SUMS: &str = "count(*), count(*), coalesce(sum(cost IS NULL), 0), coalesce(sum(input), 0), 0, 0, 0, coalesce(sum(output), 0), coalesce(sum(cost), 0)";

/// Sums of a row from a column on; all 0 where a join found none.
pub(super) fn sums(r: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<LedgerSums> {
    let number = |n: usize| r.get::<_, Option<i64>>(from + n).map(|sum| sum.unwrap_or(0).cast_unsigned());
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
        cost: Cost(r.get::<_, Option<i64>>(from + 8)?.unwrap_or(0)),
    })
}

/// Content keys of units as one blob, 32 bytes each.
pub(super) fn packed(units: &[Fingerprint]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.0).collect()
}

/// Reads back what [`packed`] gave.
pub(super) fn unpacked(r: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Vec<Fingerprint>> {
    let bytes = r.get_ref(column)?.as_blob()?;
    Ok(bytes.chunks_exact(32).map(|unit| Fingerprint(unit.try_into().expect("chunks of 32 bytes"))).collect())
}

pub(super) fn store(db: &Database, response: &StoredResponse, now: i64) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO response (id, fp, doc, units, generation, state, attempt, model, request_id, estimated, input, output, latency_ms, at_ms, batch, cost)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            response.id,
            response.question,
            response.doc,
            packed(&response.units),
            response.generation,
            response.attempt,
            response.model,
            response.request_id,
            response.estimate.prompt().cast_signed(),
            response.estimate.output.cast_signed(),
            response.latency_ms,
            now,
            response.batch,
            response.cost.map(|cost| cost.0)
        ],
    )?;
    let sum = checksum(Certified::Raw(response.id, &packed(&response.units)), &response.raw);
    db.execute("INSERT INTO raw (id, z, sum) VALUES (?1, ?2, ?3)", params![response.id, response.raw, sum]).map(drop)
}

/// Test whether the body of a response is there, as it was stored.
pub(super) fn has_sound_body(db: &Database, id: ResponseId) -> Result<bool, StoreError> {
    let sound =
        db.row("SELECT r.units, w.z, w.sum FROM response r JOIN raw w ON w.id = r.id WHERE r.id = ?1", [id], |r| {
            Ok(is_sound(Certified::Raw(id, r.get_ref(0)?.as_blob()?), r.get_ref(1)?.as_blob()?, r.get(2)?))
        })?;
    Ok(sound.unwrap_or(false))
}

/// A response is read. Without usage the estimates that were stored with it stay.
pub(super) fn read(
    db: &Database,
    id: ResponseId,
    outcome: &str,
    usage: Option<Usage>,
    cost: Option<Cost>,
    answered_by: Option<&str>,
) -> Result<(), StoreError> {
    let cost = cost.map(|c| c.0);
    match usage {
        Some(u) => db.execute(
            "UPDATE response SET state=1, outcome=?2, cost=?3, told=1, input=?4, cache_read=?5, cache_write_5m=?6,
                    cache_write_1h=?7, output=?8, answered_by=?9 WHERE id=?1",
            params![
                id,
                outcome,
                cost,
                u.input.cast_signed(),
                u.cache_read.cast_signed(),
                u.cache_write_5m.cast_signed(),
                u.cache_write_1h.cast_signed(),
                u.output.cast_signed(),
                answered_by
            ],
        ),
        None => db.execute(
            "UPDATE response SET state=1, outcome=?2, cost=?3, answered_by=?4 WHERE id=?1",
            params![id, outcome, cost, answered_by],
        ),
    }
    .map(drop)
}

/// A request that brought no answer although one may have been made, and billed.
pub(super) struct Lost<'a> {
    pub(super) question: FpId,
    pub(super) doc: DocId,
    pub(super) model: &'a str,
    pub(super) message: &'a str,
    pub(super) most: Usage,
    pub(super) cost: Option<Cost>,
    pub(super) batch: Option<BatchId>,
}

pub(super) fn lost(db: &Database, lost: &Lost<'_>, now: i64) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO lost (fp, doc, model, message, input, output, cost, at_ms, batch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            lost.question,
            lost.doc,
            lost.model,
            lost.message,
            lost.most.prompt().cast_signed(),
            lost.most.output.cast_signed(),
            lost.cost.map(|c| c.0),
            now,
            lost.batch
        ],
    )
    .map(drop)
}

impl Reader {
    /// The number for the next response.
    pub fn next_response(&self) -> Result<ResponseId, StoreError> {
        self.db.value("SELECT coalesce(max(id), 0) + 1 FROM response", [])
    }

    /// Responses to a question that were stored and not looked into, after number `after`.
    pub fn unread_responses(
        &self,
        question: FpId,
        after: ResponseId,
        limit: usize,
    ) -> Result<Vec<UnreadResponse>, StoreError> {
        self.db.rows(
            "SELECT r.id, r.doc, r.units, r.generation, r.attempt, r.input, r.output, w.z, r.batch FROM response r JOIN raw w ON w.id = r.id
             WHERE r.state = 0 AND r.fp = ?1 AND r.id > ?2 ORDER BY r.id LIMIT ?3",
            params![question, after, limit as i64],
            |r| {
                Ok(UnreadResponse {
                    id: r.get(0)?,
                    doc: r.get(1)?,
                    units: unpacked(r, 2)?,
                    generation: r.get(3)?,
                    attempt: r.get(4)?,
                    estimate: Usage { input: unsigned(r, 5)?, output: unsigned(r, 6)?, ..Usage::default() },
                    raw: r.get(7)?,
                    batch: r.get(8)?,
                })
            },
        )
    }

    /// Test whether the store has a ledger: those of version 1 have none, and are not migrated by those who only read.
    fn has_ledger(&self) -> Result<bool, StoreError> {
        self.db.value("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'lost'", [])
    }

    /// Cost of the answers in this store, and what lost requests may have cost at most.
    pub fn ledger_sums(&self) -> Result<(LedgerSums, LedgerSums), StoreError> {
        if !self.has_ledger()? {
            return Ok(Default::default());
        }
        let answers = self.db.row(&format!("SELECT {SUMS} FROM response"), [], |r| sums(r, 0))?;
        let lost = self.db.row(&format!("SELECT {LOST_SUMS} FROM lost"), [], |r| sums(r, 0))?;
        Ok((answers.unwrap_or_default(), lost.unwrap_or_default()))
    }

    /// How cost and responses grew: at most `steps` moments of equal distance from the first response to the last, those left out in which
    /// none came.
    pub fn spending(&self, steps: u64) -> Result<Vec<Spent>, StoreError> {
        if !self.has_ledger()? {
            return Ok(Vec::new());
        }
        let sql = "WITH whole AS (SELECT min(at_ms) AS first, 1 + max(at_ms) - min(at_ms) AS span FROM response)
                   SELECT max(r.at_ms), count(*), coalesce(sum(r.cost), 0) FROM response r, whole w
                   GROUP BY (r.at_ms - w.first) * ?1 / w.span ORDER BY 1";
        let mut spent: Vec<Spent> = Vec::new();
        self.db.each(sql, [steps.cast_signed()], |r| {
            let before = spent.last().map_or((0, Cost(0)), |last| (last.responses, last.cost));
            let cost = Cost(before.1.0 + r.get::<_, i64>(2)?);
            spent.push(Spent { at_ms: r.get(0)?, responses: before.0 + unsigned(r, 1)?, cost });
            Ok(())
        })?;
        Ok(spent)
    }

    /// Moments at which another model began to answer than before, by the model that was asked for, in order of time.
    pub fn model_changes(&self) -> Result<Vec<ModelChange>, StoreError> {
        let known = "SELECT count(*) > 0 FROM pragma_table_info('response') WHERE name = 'answered_by'";
        if !self.db.value::<bool>(known, [])? {
            return Ok(Vec::new());
        }
        let mut changes: Vec<ModelChange> = Vec::new();
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        let sql = "SELECT model, answered_by, min(at_ms), count(*) FROM response WHERE answered_by IS NOT NULL
                   GROUP BY model, answered_by ORDER BY min(at_ms), min(id)";
        self.db.each(sql, [], |r| {
            let (model, since): (String, String) = (r.get(0)?, r.get(1)?);
            if let Some(before) = last.insert(model.clone(), since.clone()) {
                changes.push(ModelChange { model, before, since, at_ms: r.get(2)?, answers: unsigned(r, 3)? });
            }
            Ok(())
        })?;
        Ok(changes)
    }

    /// Sums over the answers to a question whose tokens the provider told, if there are any.
    pub fn told(&self, question: FpId) -> Result<Option<Told>, StoreError> {
        let sql = format!(
            "SELECT {SUMS}, coalesce(sum(estimated), 0), coalesce(avg(latency_ms), 0) FROM response WHERE fp = ?1 AND told = 1"
        );
        let told = self.db.row(&sql, [question], |r| {
            Ok(Told { sums: sums(r, 0)?, estimated: unsigned(r, 9)?, latency_ms: r.get(10)? })
        })?;
        Ok(told.filter(|told| told.sums.count > 0))
    }

    /// The ledger by document, question and model, in path order, streamed to `each`.
    pub fn ledger(&self, mut each: impl FnMut(LedgerRow)) -> Result<(), StoreError> {
        if !self.has_ledger()? {
            return Ok(());
        }
        let sql = format!(
            "SELECT (SELECT min(path) FROM file WHERE doc = k.doc) AS path, k.model, coalesce(p.spec, ''), a.*, l.*
             FROM (SELECT doc, fp, model FROM response UNION SELECT doc, fp, model FROM lost) k LEFT JOIN fp p ON p.id = k.fp
             LEFT JOIN (SELECT doc, fp, model, {SUMS} FROM response GROUP BY 1, 2, 3) a
               ON a.doc = k.doc AND a.fp = k.fp AND a.model = k.model
             LEFT JOIN (SELECT doc, fp, model, {LOST_SUMS} FROM lost GROUP BY 1, 2, 3) l
               ON l.doc = k.doc AND l.fp = k.fp AND l.model = k.model
             ORDER BY path, k.model, k.fp"
        );
        self.db.each(&sql, [], |r| {
            let (path, model, question) = (r.get(0)?, r.get(1)?, r.get(2)?);
            // The sums stand behind the three columns of their key.
            each(LedgerRow { path, model, question, answers: sums(r, 6)?, lost: sums(r, 18)? });
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Change;
    use crate::store::tests::Filled;

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input, output, ..Usage::default() }
    }

    fn response(store: &Filled, id: i64, doc: u8) -> Change {
        Change::Response(Box::new(StoredResponse {
            id: ResponseId(id),
            question: store.question,
            doc: store.doc(doc),
            units: vec![Fingerprint([doc; 32]), Fingerprint([doc + 1; 32])],
            generation: Generation(0),
            attempt: 1,
            model: "m".into(),
            request_id: None,
            batch: None,
            estimate: usage(100, 50),
            cost: None,
            latency_ms: 20,
            raw: crate::store::compress(b"said"),
        }))
    }

    fn read(id: i64, usage: Option<Usage>, cost: Option<i64>) -> Change {
        Change::Read { id: ResponseId(id), outcome: "answered", usage, cost: cost.map(Cost), answered_by: None }
    }

    #[test]
    fn a_model_that_changed_behind_its_name_is_told_with_its_first_answer() {
        let store = Filled::new();
        store.put(&[("a", 1)]);
        let by = |id, name: &str| Change::Read {
            id: ResponseId(id),
            outcome: "complete",
            usage: None,
            cost: None,
            answered_by: Some(name.to_owned()),
        };
        store.change((1..=4).map(|id| response(&store, id, 1)).collect());
        store.change(vec![by(1, "m-may"), by(2, "m-may")]);
        assert_eq!(store.reader.model_changes().unwrap(), []);
        store.change(vec![by(3, "m-august"), by(4, "m-may")]);
        let changes = store.reader.model_changes().unwrap();
        let told: Vec<_> = changes.iter().map(|c| (&*c.model, &*c.before, &*c.since, c.answers)).collect();
        assert_eq!(told, [("m", "m-may", "m-august", 1)]);
    }

    #[test]
    fn a_response_is_unread_until_it_is_read_and_keeps_its_units_and_its_body() {
        let store = Filled::new();
        store.put(&[("a", 1)]);
        assert_eq!(store.reader.next_response().unwrap(), ResponseId(1));
        store.change(vec![response(&store, 1, 1), response(&store, 2, 1)]);
        assert_eq!(store.reader.next_response().unwrap(), ResponseId(3));
        let unread = |after| store.reader.unread_responses(store.question, ResponseId(after), 9).unwrap();
        assert_eq!(unread(0).iter().map(|r| r.id.0).collect::<Vec<_>>(), [1, 2]);
        let first = &unread(0)[0];
        assert_eq!(first.units, [Fingerprint([1; 32]), Fingerprint([2; 32])]);
        assert_eq!(crate::store::decompress(&first.raw).unwrap(), b"said");
        assert_eq!((first.estimate, unread(1).len()), (usage(100, 50), 1));
        store.change(vec![read(1, None, None)]);
        assert_eq!(unread(0).iter().map(|r| r.id.0).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn the_bill_counts_what_was_told_what_was_estimated_and_what_was_lost() {
        let store = Filled::new();
        store.put(&[("a", 1), ("b", 2)]);
        let lost = Change::Lost {
            question: store.question,
            doc: store.doc(2),
            model: "m".into(),
            message: "cut off".into(),
            most: usage(7, 8),
            cost: Some(Cost(900)),
            batch: None,
        };
        store.change(vec![
            response(&store, 1, 1),
            response(&store, 2, 1),
            response(&store, 3, 2),
            read(1, Some(usage(10, 5)), Some(30)),
            read(2, None, Some(400)),
            read(3, Some(usage(1, 1)), None),
            lost,
        ]);
        let (answers, lost) = store.reader.ledger_sums().unwrap();
        assert_eq!((answers.count, answers.untold, answers.unpriced), (3, 1, 1));
        assert_eq!((answers.usage, answers.cost), (usage(111, 56), Cost(430)));
        assert_eq!((lost.count, lost.usage, lost.cost), (1, usage(7, 8), Cost(900)));
        let told = store.reader.told(store.question).unwrap().unwrap();
        assert_eq!((told.sums.count, told.sums.usage, told.estimated, told.latency_ms), (2, usage(11, 6), 200, 20.0));
        let mut rows = Vec::new();
        store.reader.ledger(|row| rows.push(row)).unwrap();
        let counts: Vec<_> = rows.iter().map(|r| (r.path.as_deref(), r.answers.count, r.lost.count)).collect();
        assert_eq!(counts, [(Some("a"), 2, 0), (Some("b"), 1, 1)]);
        assert_eq!((rows[0].answers.cost, rows[1].lost.cost), (Cost(430), Cost(900)));
    }
}
