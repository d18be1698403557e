//! A look at everything that is stored, against its sums: for those who want to know whether a store is what its runs made.

use rusqlite::{Row, params};

use super::artifact::is_json;
use super::checksum::{Certified, is_sound};
use super::database::unsigned;
use super::{DocId, FpId, Generation, Reader, StageFps, StoreError};
use crate::values::{Cost, Fingerprint, SourcePath, Stage};

/// State of something that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Soundness {
    /// It is as it was stored.
    Sound,
    /// It can be read; the program that stored it kept no sum.
    WithoutSum,
    /// It is not as it was stored.
    Spoilt,
    /// It should be there and is not.
    Missing,
}

impl Soundness {
    fn of(thing: Certified<'_>, bytes: &[u8], sum: Option<i64>, readable: impl FnOnce() -> bool) -> Self {
        match sum {
            Some(_) if is_sound(thing, bytes, sum) => Self::Sound,
            None if readable() => Self::WithoutSum,
            _ => Self::Spoilt,
        }
    }
}

/// Stored thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Its number in its table; the next page begins after it.
    pub id: i64,
    /// State of it.
    pub soundness: Soundness,
    /// Document that it belongs to, if to one.
    pub doc: Option<DocId>,
    /// Cost of a response, where its price is known.
    pub cost: Option<Cost>,
}

/// A present input and the vocabulary file that was written for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenFile {
    /// Place below the input root.
    pub path: SourcePath,
    /// Its document.
    pub doc: DocId,
    /// Hash of its content when it was looked at.
    pub sha: Fingerprint,
    /// Number of its bytes.
    pub bytes: u64,
    /// Vocabulary file, if one was written from this document by the `write` stage that is asked about.
    pub output: Option<String>,
    /// First 8 bytes of the SHA-256 of that file, as it was written.
    pub written: Option<[u8; 8]>,
}

fn response(r: &Row<'_>) -> rusqlite::Result<Looked> {
    let (id, bytes) = (r.get(0)?, r.get_ref(2)?.as_blob_or_null()?);
    let soundness = match bytes {
        None => Soundness::Missing,
        Some(bytes) => Soundness::of(Certified::Raw(id, r.get_ref(1)?.as_blob()?), bytes, r.get(3)?, || {
            super::decompress(bytes).is_ok()
        }),
    };
    let cost = r.get::<_, Option<i64>>(4)?.map(Cost);
    Ok(Looked { id: id.0, soundness, doc: Some(r.get(5)?), cost })
}

impl Reader {
    /// Results of a stage of documents after number `after`, one for each document that is there and came through it.
    pub fn look_at_results(
        &self,
        fps: &StageFps,
        stage: Stage,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<Looked>, StoreError> {
        let fp = fps[stage];
        self.db.rows(
            "SELECT n.doc, d.sha, a.z, a.sum FROM done n JOIN doc d ON d.id = n.doc AND d.live > 0
             LEFT JOIN art a ON a.id = ((?1 << 48) | (n.doc << 16))
             WHERE n.fp = ?1 AND n.state = 1 AND n.doc > ?2 ORDER BY n.doc LIMIT ?3",
            params![fp, after, limit as i64],
            |r| {
                let (doc, sha): (DocId, _) = (r.get(0)?, Fingerprint(r.get(1)?));
                let soundness = match r.get_ref(2)?.as_blob_or_null()? {
                    None => Soundness::Missing,
                    Some(bytes) => {
                        Soundness::of(Certified::Artifact(fp, doc, &sha), bytes, r.get(3)?, || is_json(bytes))
                    }
                };
                Ok(Looked { id: doc.0, soundness, doc: Some(doc), cost: None })
            },
        )
    }

    /// Answers after number `after`, to whatever question.
    pub fn look_at_answers(&self, after: i64, limit: usize) -> Result<Vec<Looked>, StoreError> {
        self.db.rows(
            "SELECT a.id, a.fp, u.sha, a.generation, a.z, a.sum FROM answer a JOIN unit u ON u.id = a.unit
             WHERE a.id > ?1 ORDER BY a.id LIMIT ?2",
            params![after, limit as i64],
            |r| {
                let (question, unit, generation): (FpId, _, Generation) =
                    (r.get(1)?, Fingerprint(r.get(2)?), r.get(3)?);
                let bytes = r.get_ref(4)?.as_blob()?;
                let thing = Certified::Answer(question, &unit, generation);
                let soundness = Soundness::of(thing, bytes, r.get(5)?, || is_json(bytes));
                Ok(Looked { id: r.get(0)?, soundness, doc: None, cost: None })
            },
        )
    }

    /// Responses of providers after number `after`.
    pub fn look_at_responses(&self, after: i64, limit: usize) -> Result<Vec<Looked>, StoreError> {
        self.db.rows(
            "SELECT r.id, r.units, w.z, w.sum, r.cost, r.doc FROM response r LEFT JOIN raw w ON w.id = r.id
             WHERE r.id > ?1 ORDER BY r.id LIMIT ?2",
            params![after, limit as i64],
            response,
        )
    }

    /// Present files after `after`, in path order, with what `write` made of them.
    pub fn look_at_files(&self, fps: &StageFps, after: &str, limit: usize) -> Result<Vec<ProvenFile>, StoreError> {
        self.db.rows(
            "SELECT f.path, f.doc, d.sha, d.bytes, CASE WHEN f.written_fp IS ?1 AND f.written_doc IS f.doc THEN f.output END,
                    f.written_sha
             FROM file f JOIN doc d ON d.id = f.doc WHERE f.state = 0 AND f.path > ?2 ORDER BY f.path LIMIT ?3",
            params![fps[Stage::Write], after, limit as i64],
            |r| {
                Ok(ProvenFile {
                    path: SourcePath::from_text(r.get::<_, String>(0)?),
                    doc: r.get(1)?,
                    sha: Fingerprint(r.get(2)?),
                    bytes: unsigned(r, 3)?,
                    output: r.get(4)?,
                    written: r.get(5)?,
                })
            },
        )
    }

    /// Hash of the content of a stage's result of a document, as JSON without compression; none if there is no sound one.
    pub fn result_hash(&self, fps: &StageFps, stage: Stage, doc: DocId) -> Result<Option<Fingerprint>, StoreError> {
        let bytes = super::results::sound_artifact(&self.db, fps[stage], doc)?;
        Ok(bytes.ok().and_then(|bytes| super::decompress(&bytes).ok()).map(|json| Fingerprint::of(&json)))
    }

    /// Test whether the store is of a version that keeps sums; [`Reader`] opens older ones too.
    pub fn can_be_verified(&self) -> Result<bool, StoreError> {
        Ok(self.db.value::<i64>("PRAGMA user_version", [])? >= 5)
    }

    /// Key and settings of the fingerprint of a stage or a question.
    pub fn key_of(&self, fp: FpId) -> Result<Option<(Fingerprint, String)>, StoreError> {
        self.db.row("SELECT sha, spec FROM fp WHERE id = ?1", [fp], |r| Ok((Fingerprint(r.get(0)?), r.get(1)?)))
    }
}
