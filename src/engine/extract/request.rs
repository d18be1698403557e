//! Requests before they are phrased: units, what they are called, and what they may cost.

use std::sync::Arc;

use super::settle::{RequestFacts, Settlement, estimate};
use crate::engine::context::Run;
use crate::engine::provider::Remote;
use crate::remote::{Prompt, ServiceTier, Trouble};
use crate::stages::chunk::estimate_tokens;
use crate::stages::extract::{Phrasing, Unit};
use crate::store::{Change, DocId};
use crate::values::{Cost, Usage};

/// Chunks in one request: answers get worse where a question's context is far away.
const MOST_PASSAGES: usize = 4;

/// True if a request of these units may take one more.
pub(in crate::engine) fn takes(units: &[Unit], next: &Unit) -> bool {
    let passages = units.chunk_by(|a, b| a.passage == b.passage).filter(|same| same[0].passage.is_some()).count();
    passages < MOST_PASSAGES || next.passage.is_none() || units.last().is_some_and(|last| last.passage == next.passage)
}

/// Estimated tokens of what requests of so many units tell.
pub(in crate::engine) fn told_in_requests(phrasing: &Phrasing, units: &[Unit], per_request: usize) -> u64 {
    units.chunks(per_request.max(1)).map(|units| u64::from(estimate_tokens(&phrasing.told(units)))).sum()
}

/// One request.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Ask {
    pub(in crate::engine) units: Vec<Unit>,
    /// The document that asked first.
    pub(in crate::engine) doc: DocId,
    /// Estimated tokens of the whole prompt.
    pub(in crate::engine) input_estimate: u64,
    /// Output budget in tokens, room for thoughts included.
    pub(in crate::engine) max_output: u32,
    /// Part of it that is room for thoughts.
    pub(in crate::engine) thought_room: u32,
    /// True if the budget was raised already.
    pub(in crate::engine) raised: bool,
    /// Attempt budget that its units have used.
    pub(in crate::engine) attempts: u32,
    /// Troubles of the server that it had, charged or not.
    pub(in crate::engine) failures: u32,
    /// Answers that the provider had given, to anybody, when it last had such trouble.
    pub(in crate::engine) answers_before: Option<u64>,
    /// Times that it was not answered in time, alone.
    pub(in crate::engine) time_outs: u32,
}

/// A request with what was set aside for it.
#[derive(Debug)]
pub(in crate::engine) struct Request {
    pub(in crate::engine) ask: Ask,
    pub(in crate::engine) reserved: Cost,
}

/// Tokens that no answer of use is shorter than by much.
const LEAST_ANSWER: u32 = 256;

/// The estimate of a text is within 35 % of what most tokenizers count.
const LONGER_PROMPT: f64 = 1.35;

impl Ask {
    /// A first request about some units.
    pub(in crate::engine) fn new(phrasing: &Phrasing, units: Vec<Unit>, doc: DocId) -> Self {
        let told = told_in_requests(phrasing, &units, units.len());
        Self {
            units,
            doc,
            input_estimate: phrasing.overhead() + told,
            max_output: phrasing.max_output_tokens(),
            thought_room: 0,
            raised: false,
            attempts: 0,
            failures: 0,
            answers_before: None,
            time_outs: 0,
        }
    }

    /// The same request with so much room for thoughts.
    pub(super) fn with_thought_room(self, tokens: u32) -> Self {
        let max_output = (self.max_output - self.thought_room).saturating_add(tokens);
        Self { max_output, thought_room: tokens, ..self }
    }

    /// True if its prompt leaves room for an answer in a context of so many tokens.
    pub(super) fn fits(&self, context_size: u64) -> bool {
        self.most(1.0).input + u64::from(LEAST_ANSWER) <= context_size
    }

    /// The same request with a budget that leaves room for its prompt in a context of so many tokens; none if that is no smaller one,
    /// or too small for an answer.
    pub(super) fn with_room_in(&self, context_size: Option<u64>) -> Option<Self> {
        let left = context_size?.checked_sub(self.most(1.0).input)?;
        let max_output = u32::try_from(left).ok().filter(|left| *left >= LEAST_ANSWER && *left < self.max_output)?;
        let thought_room = self.thought_room.min(max_output - LEAST_ANSWER);
        Some(Self { max_output, thought_room, ..self.clone() })
    }

    /// Most that an answer to it may be charged: the whole budget, and a prompt as much longer than estimated as tokenizers differ.
    /// `calibration` is real over estimated prompt tokens, as far as that was seen.
    pub(super) fn most(&self, calibration: f64) -> Usage {
        let input = (self.input_estimate as f64 * calibration * LONGER_PROMPT).ceil() as u64;
        Usage { input, output: self.max_output.into(), ..Usage::default() }
    }

    /// Entry of the ledger for what a request that broke off may have cost, and that cost, if the price is known.
    pub(super) fn lost(
        &self,
        run: &Run<'_>,
        remote: &Remote,
        trouble: &Trouble,
        calibration: f64,
    ) -> (Change, Option<Cost>) {
        let most = self.most(calibration);
        let cost = remote.cost(&most);
        let change = Change::Lost {
            question: run.question,
            doc: self.doc,
            model: remote.dialect.model.clone(),
            message: trouble.message.clone(),
            most,
            cost,
            batch: None,
        };
        (change, cost)
    }

    /// Facts that the meaning of its response depends on.
    pub(super) fn facts(
        &self,
        run: &Run<'_>,
        model: &str,
        request_id: Option<String>,
        latency_ms: i64,
    ) -> RequestFacts {
        RequestFacts {
            doc: self.doc,
            units: self.units.iter().map(|u| u.key).collect(),
            generation: run.generation,
            spent: self.attempts,
            estimate: estimate(self.input_estimate, self.max_output),
            model: model.to_owned(),
            request_id,
            latency_ms,
            batch: None,
        }
    }

    /// Requests about the units that have to be asked again. Fewer units go into each: half at first, then one by one.
    pub(super) fn again(&self, phrasing: &Phrasing, settlement: &Settlement) -> Vec<Self> {
        let spent = settlement.spent;
        let units: Vec<Unit> = settlement.again.iter().map(|&place| self.units[place].clone()).collect();
        let size = match units.len() {
            // Thoughts ate the answer: the pack is not to blame.
            n if settlement.eaten && spent <= TOGETHER => n,
            n if n < self.units.len() && spent <= TOGETHER => n,
            n if spent <= TOGETHER => n.div_ceil(2),
            _ => 1,
        };
        let raise = settlement.more_output && !settlement.eaten && !self.raised && self.units.len() == 1;
        let max_output = self.max_output - self.thought_room;
        units
            .chunks(size.max(1))
            .map(|part| Self {
                attempts: spent,
                raised: self.raised || raise,
                max_output: if raise { max_output.saturating_mul(2) } else { max_output },
                ..Self::new(phrasing, part.to_vec(), self.doc)
            })
            .collect()
    }
}

/// Units that have used more than this of their budget go one by one.
pub(super) const TOGETHER: u32 = 4;

/// The prompt of a request.
pub(in crate::engine) fn prompt(phrasing: &Phrasing, ask: &Ask) -> Prompt {
    Prompt {
        system: Arc::clone(&phrasing.instructions),
        user: phrasing.told(&ask.units),
        schema: phrasing.schema(ask.units.len()),
        schema_name: Arc::clone(&phrasing.schema_name),
        max_output_tokens: ask.max_output,
        tier: ServiceTier::Standard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Fingerprint;

    fn unit(n: u8, passage: Option<&str>) -> Unit {
        Unit {
            key: Fingerprint([n; 32]),
            name: Some(format!("t{n}")),
            text: format!("line {n}").into(),
            passage: passage.map(Into::into),
            ..Unit::default()
        }
    }

    #[test]
    fn a_request_takes_no_more_chunks_than_are_good_for_it() {
        let units = vec![unit(1, Some("one")), unit(2, Some("one")), unit(3, None), unit(4, Some("two"))];
        assert!(takes(&units, &unit(5, Some("three"))));
        let full: Vec<Unit> = (0..4).map(|n| unit(n, Some(["a", "b", "c", "d"][usize::from(n)]))).collect();
        assert!(
            !takes(&full, &unit(9, Some("e"))) && takes(&full, &unit(9, Some("d"))) && takes(&full, &unit(9, None))
        );
    }

    #[test]
    fn units_that_have_to_be_asked_again_go_in_ever_smaller_packs() {
        let pipeline = crate::pipelines::find("vocabulary").unwrap();
        let phrasing = Phrasing::new(&pipeline);
        let unit = |n: u8| unit(n, None);
        let units: Vec<Unit> = (0..20).map(unit).collect();
        let ask = Ask::new(&phrasing, units.clone(), DocId(1));
        let sizes = |asks: &[Ask]| asks.iter().map(|a| a.units.len()).collect::<Vec<_>>();
        // Some are missing: the rest goes together. All are missing: two halves. Later: one by one.
        let again = |ask: &Ask, units: usize, spent, more_output| {
            let settlement = Settlement { again: (0..units).collect(), spent, more_output, ..Settlement::default() };
            ask.again(&phrasing, &settlement)
        };
        assert_eq!(sizes(&again(&ask, 3, 2, false)), [3]);
        assert_eq!(sizes(&again(&ask, 20, 2, true)), [10, 10]);
        assert_eq!(sizes(&again(&ask, 3, 6, false)), [1, 1, 1]);
        let single = Ask::new(&phrasing, units[..1].to_vec(), DocId(1));
        let raised = &again(&single, 1, 2, true)[0];
        assert_eq!((raised.max_output, raised.raised), (2 * single.max_output, true));
        assert_eq!(again(raised, 1, 4, true)[0].max_output, raised.max_output);
    }
}
