//! Keeps the bill under its cap: what a request may cost at most is set aside before it is sent and settled with what it did
//! cost.

use crate::values::{Cost, Stop, StopReason, Usage};

/// Answer to the question if the next request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserved {
    /// Yes; this much is set aside.
    Yes(Cost),
    /// Not before something in flight is settled.
    Wait,
    /// No: even with nothing in flight it might pass the cap.
    Never {
        /// Sum that is spent.
        spent: Cost,
        /// Most that the request may cost.
        next: Cost,
    },
}

impl Reserved {
    /// End of a run that may send nothing more under its cap.
    pub(super) fn cap_reached(cap: Cost, spent: Cost, next: Cost) -> Stop {
        Stop::new(
            StopReason::Cap,
            format!(
                "--max-cost {cap} is reached: {spent} is spent in this folder, and the next request may cost up to {next}; everything answered is kept, and the same command with a higher --max-cost continues"
            ),
        )
    }
}

/// The money of an output folder.
#[derive(Debug)]
pub(super) struct Money {
    cap: Option<Cost>,
    /// Everything in the ledger, with requests that may have been billed at their most.
    spent: Cost,
    before: Cost,
    reserved: Cost,
    /// Answers of this run.
    pub(super) answers: u64,
    /// Their tokens.
    pub(super) usage: Usage,
}

impl Money {
    pub(super) fn new(cap: Option<Cost>, spent: Cost) -> Self {
        Self { cap, spent, before: spent, reserved: Cost(0), answers: 0, usage: Usage::default() }
    }

    /// Sum that this run has spent.
    pub(super) fn spent_now(&self) -> Cost {
        self.spent - self.before
    }

    /// Sets aside what a request may cost at most.
    pub(super) fn reserve(&mut self, most: Option<Cost>) -> Reserved {
        let most = most.unwrap_or_default();
        if self.cap.is_some_and(|cap| self.spent + self.reserved + most > cap) {
            return match self.reserved > Cost(0) {
                true => Reserved::Wait,
                false => Reserved::Never { spent: self.spent, next: most },
            };
        }
        self.reserved = self.reserved + most;
        Reserved::Yes(most)
    }

    /// A request is over: what it cost, or may have cost.
    pub(super) fn settle(&mut self, reserved: Cost, cost: Option<Cost>) {
        self.reserved = self.reserved - reserved;
        self.spent = self.spent + cost.unwrap_or_default();
    }

    /// An answer was read.
    pub(super) fn answered(&mut self, usage: Usage) {
        self.answers += 1;
        self.usage += usage;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_requests_cost_the_cap_is_never_passed(costs in proptest::collection::vec((1_i64..1_000, 0.0..=1.0_f64), 1..200), cap in 0_i64..20_000) {
            let mut money = Money::new(Some(Cost(cap)), Cost(0));
            let mut flying: Vec<(Cost, Cost)> = Vec::new();
            for (most, share) in costs {
                loop {
                    match money.reserve(Some(Cost(most))) {
                        Reserved::Yes(reserved) => {
                            flying.push((reserved, Cost((most as f64 * share) as i64)));
                            break;
                        }
                        Reserved::Wait => {
                            let (reserved, cost) = flying.pop().expect("something is in flight");
                            money.settle(reserved, Some(cost));
                        }
                        Reserved::Never { spent, next } => {
                            prop_assert!(flying.iter().all(|(r, _)| r.0 == 0));
                            prop_assert!(spent + next > Cost(cap));
                            break;
                        }
                    }
                    prop_assert!(money.spent <= Cost(cap));
                }
            }
            for (reserved, cost) in flying {
                money.settle(reserved, Some(cost));
            }
            prop_assert!(money.spent <= Cost(cap) && money.reserved == Cost(0));
        }
    }
}
