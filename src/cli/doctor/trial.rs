//! One request about known material, and what became of it.

use std::time::Duration;

use super::material::{PASSAGE, TERMS};
use crate::engine::read_response;
use crate::remote::{Attempt, Client, LimitsSeen, Prompt, ServiceTier, Structured, Trouble};
use crate::stages::extract::local::key_form;
use crate::stages::extract::{AnswerSchema, AskedUnits, Phrasing, Unit, UnitResult, term_key};
use crate::stages::pipeline::Pipeline;

/// Most output tokens of a request that only tries something.
const MOST_OUTPUT: u32 = 4_000;

/// A pipeline whose requests are tried.
pub(super) struct Asker<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) client: &'a Client,
    pub(super) tier: ServiceTier,
    phrasing: Phrasing,
    schema: AnswerSchema,
}

/// Result of a trial.
#[derive(Debug)]
pub(super) struct Trial {
    /// Way in which the schema was given.
    pub(super) way: Structured,
    /// What came.
    pub(super) heard: Heard,
    pub(super) latency: Duration,
    pub(super) limits: LimitsSeen,
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Heard {
    /// An answer.
    Answer {
        /// Units that it answers.
        answered: usize,
        /// Complaint about the others, if any.
        complaint: Option<String>,
        /// Output tokens, where told.
        output: u64,
    },
    /// None.
    Trouble(Trouble),
}

impl Heard {
    /// True if every one of so many units is answered.
    pub(super) fn is_whole(&self, units: usize) -> bool {
        matches!(self, Self::Answer { answered, .. } if *answered == units)
    }
}

impl<'a> Asker<'a> {
    /// # Errors
    /// If the pipeline's schema cannot be used.
    pub(super) fn new(pipeline: &'a Pipeline, client: &'a Client, tier: ServiceTier) -> Result<Self, String> {
        let schema = AnswerSchema::of(pipeline)?;
        Ok(Self { pipeline, client, tier, phrasing: Phrasing::new(pipeline), schema })
    }

    /// Asks about so many units, of which there is at least one; passages go alone. `turn` makes the request another one than that of
    /// another turn, so that no server answers from a cache.
    pub(super) async fn ask(&self, units: usize, turn: usize) -> Trial {
        let units = self.units(units, turn);
        let keys: Vec<_> = units.iter().filter_map(|unit| Some(term_key(&key_form(unit.name.as_ref()?)))).collect();
        let prompt = Prompt {
            user: self.phrasing.told(&units),
            schema: self.phrasing.schema(units.len()),
            system: self.phrasing.instructions.clone(),
            schema_name: "doctor".into(),
            max_output_tokens: self.pipeline.provider.max_output_tokens.min(MOST_OUTPUT),
            tier: self.tier,
        };
        let asked = if self.pipeline.method.names_units() { AskedUnits::Terms(&keys) } else { AskedUnits::Passage };
        let Attempt { result, latency, limits, structured, .. } = self.client.send(&prompt).await;
        let heard = match result {
            Err(trouble) => Heard::Trouble(trouble),
            Ok(answered) => self.heard(&answered.body, asked),
        };
        Trial { way: structured, heard, latency, limits }
    }

    fn units(&self, units: usize, turn: usize) -> Vec<Unit> {
        if !self.pipeline.method.names_units() {
            let text = format!("{PASSAGE} This is page {}.", turn + 1);
            return vec![Unit { text: text.into(), ..Unit::default() }];
        }
        let all = TERMS.iter().cycle().skip(turn * 3 % TERMS.len()).take(units.min(TERMS.len()));
        all.map(|(name, text)| Unit { name: Some((*name).to_owned()), text: (*text).into(), ..Unit::default() })
            .collect()
    }

    fn heard(&self, body: &[u8], units: AskedUnits<'_>) -> Heard {
        let reading = read_response(self.client.dialect(), &self.schema, body, units);
        let output = reading.usage.map_or(0, |usage| usage.output);
        let (mut answered, mut complaint) = (0, None);
        for result in reading.results {
            match result {
                UnitResult::Answered(_) => answered += 1,
                UnitResult::Again { reason, .. } | UnitResult::Failed(reason) => complaint = Some(reason.message),
            }
        }
        Heard::Answer { answered, complaint, output }
    }
}
