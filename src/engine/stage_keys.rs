//! The keys of a run: one for each row of the dataflow, each with that of the stage before it, and that of the question.

use serde_json::Value;

use super::dataflow::DATAFLOW;
use super::keys::{Deciding, earlier_questions, question, question_spec};
use crate::stages::parse::OcrSettings;
use crate::stages::pipeline::Pipeline;
use crate::stages::write::Blocklist;
use crate::store::{FpId, Session, StageFps, StoreError};
use crate::values::{Fingerprint, KeyWriter, StageMap, canonical_json};

/// The key of each stage and of the question, with descriptions for people.
#[derive(Debug, Clone, PartialEq)]
pub struct StageKeys {
    /// By stage.
    pub stages: StageMap<Fingerprint>,
    /// Key of what is asked of a provider about a unit, whatever document the unit stands in.
    pub question: Fingerprint,
    /// Keys of its earlier forms.
    earlier: Vec<Fingerprint>,
    specs: StageMap<Value>,
    question_spec: Value,
}

impl StageKeys {
    /// The keys of a pipeline over documents that are parsed so, and of the list that flags its terms.
    pub fn of(pipeline: &Pipeline, ocr: &OcrSettings, blocklist: Option<&Blocklist>) -> Self {
        let blocklist = blocklist.map(|list| list.fingerprint().hex());
        let deciding = Deciding { pipeline, ocr, blocklist, question: question(pipeline) };
        let mut before: Option<Fingerprint> = None;
        let stages = StageMap::from_fn(|stage| {
            let row = &DATAFLOW[stage as usize];
            let key = KeyWriter::new("stage").text(stage.name()).number(u64::from(row.version));
            let key = (row.settings)(&deciding, key);
            let key = before.iter().fold(key, KeyWriter::key).finish();
            before = Some(key);
            key
        });
        let specs = StageMap::from_fn(|stage| (DATAFLOW[stage as usize].spec)(&deciding));
        let (earlier, question_spec) = (earlier_questions(pipeline), question_spec(pipeline));
        Self { stages, question: deciding.question, earlier, specs, question_spec }
    }

    /// Interns the keys in a store. What the store holds of an earlier form of the question is of the question from then on: answers, batches
    /// and what they cost.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn intern(&self, session: &mut Session) -> Result<(StageFps, FpId), StoreError> {
        let spec = canonical_json(&self.question_spec);
        for earlier in &self.earlier {
            session.succeed(earlier, &self.question, &spec)?;
        }
        let question = session.intern("question", None, &self.question, &spec)?;
        let mut before = None;
        let fps = StageMap::try_from_fn(|stage| {
            let spec = canonical_json(&self.specs[stage]);
            let fp = session.intern(stage.name(), before, &self.stages[stage], &spec)?;
            before = Some(fp);
            Ok(fp)
        })?;
        Ok((fps, question))
    }
}
