//! Decision on the next step of a batch: a pure function of what is known of it.

use crate::remote::Standing;
use crate::store::BatchState;

/// A batch at the provider that may be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) remote: String,
    pub(super) ours: Ours,
}

/// Ownership of a batch at the provider; one that surely is not ours is not a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    /// It is: known by its token or its custom ids.
    Yes,
    /// Not known while nothing of it can be read.
    Unknown,
    /// It is over, and none of its results can be read: this will never be known.
    Unknowable,
}

/// Facts about a batch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    pub(super) state: BatchState,
    /// Last word of the provider about it.
    pub(super) standing: Option<Standing>,
    /// Batches of the provider's listing that may be it; none if the listing was not looked at.
    pub(super) candidates: Option<Vec<Candidate>>,
    /// Number of looks in a row, a lag apart, at which the listing showed nothing.
    pub(super) empty_looks: u32,
    /// Word of a person that it shall be sent again whatever the listing shows.
    pub(super) resubmit: bool,
}

/// Next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Send it: nothing was sent yet, or it is proven absent.
    Send,
    /// Look through the provider's listing.
    Look,
    /// Look again after the time that a listing may lag behind.
    LookAgain,
    /// It is there.
    Adopt(String),
    /// Something is there that may be it, and cannot be told apart before it ends: neither send nor adopt.
    Hold,
    /// A batch that may be it is over, and cannot be told apart any more: only a person can say what to do.
    AskPerson(String),
    /// Ask the provider how it stands.
    Poll,
    /// Read its results, as far as they are there.
    Collect(Vec<String>),
    /// It was refused as a whole.
    Refuse {
        /// The provider's words.
        message: String,
        /// True if too much was enqueued.
        queue_full: bool,
    },
    /// Nothing: it is over.
    Rest,
}

/// Looks at the listing, a lag apart, that show nothing before a batch counts as absent.
const LOOKS: u32 = 2;

/// The next step.
pub(super) fn decide(facts: &Facts) -> Action {
    match facts.state {
        BatchState::Planned => Action::Send,
        BatchState::Submitting | BatchState::Ambiguous => {
            let Some(candidates) = &facts.candidates else { return Action::Look };
            let first = |ours| candidates.iter().find(|c| c.ours == ours).map(|c| c.remote.clone());
            match (first(Ours::Yes), first(Ours::Unknown), first(Ours::Unknowable)) {
                (Some(ours), ..) => Action::Adopt(ours),
                (None, None, None) if facts.empty_looks >= LOOKS => Action::Send,
                (None, None, None) => Action::LookAgain,
                _ if facts.resubmit => Action::Send,
                (None, Some(_), _) => Action::Hold,
                (None, None, Some(remote)) => Action::AskPerson(remote),
            }
        }
        BatchState::Submitted | BatchState::Ended => match &facts.standing {
            None | Some(Standing::Running) => Action::Poll,
            // Of a batch in a state that nobody knows the results are tried.
            Some(Standing::Ended { places, .. } | Standing::Unknown { places }) => Action::Collect(places.clone()),
            Some(Standing::Failed { message, queue_full }) => {
                Action::Refuse { message: message.clone(), queue_full: *queue_full }
            }
        },
        BatchState::Collected | BatchState::Refused | BatchState::Abandoned => Action::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts(state: BatchState) -> Facts {
        Facts { state, standing: None, candidates: None, empty_looks: 0, resubmit: false }
    }

    #[test]
    fn an_ambiguous_batch_is_looked_for_twice_before_it_is_sent_again() {
        let mut f = facts(BatchState::Submitting);
        assert_eq!(decide(&f), Action::Look);
        (f.candidates, f.empty_looks) = (Some(vec![]), 1);
        assert_eq!(decide(&f), Action::LookAgain);
        f.empty_looks = 2;
        assert_eq!(decide(&f), Action::Send);
        f.candidates = Some(vec![Candidate { remote: "b1".into(), ours: Ours::Unknown }]);
        assert_eq!(decide(&f), Action::Hold);
        f.resubmit = true;
        assert_eq!(decide(&f), Action::Send);
        f.candidates = Some(vec![Candidate { remote: "b1".into(), ours: Ours::Yes }]);
        assert_eq!(decide(&f), Action::Adopt("b1".into()), "what is surely there is never sent again");
        f.candidates = Some(vec![Candidate { remote: "b2".into(), ours: Ours::Unknowable }]);
        assert_eq!(decide(&f), Action::Send, "somebody said so");
        f.resubmit = false;
        assert_eq!(decide(&f), Action::AskPerson("b2".into()), "waiting would not help");
        f.candidates.as_mut().unwrap().push(Candidate { remote: "b1".into(), ours: Ours::Unknown });
        assert_eq!(decide(&f), Action::Hold);
    }

    /// A provider that does with creations what providers do, and a ledger that crashes anywhere.
    #[derive(Debug, Clone, Copy)]
    enum Fate {
        Created,
        RefusedCleanly,
        LostBefore,
        LostAfterEffect,
        CrashBeforeSend,
        CrashAfterEffect,
        CrashAfterReply,
    }

    fn fate() -> impl Strategy<Value = Fate> {
        prop_oneof![
            Just(Fate::Created),
            Just(Fate::RefusedCleanly),
            Just(Fate::LostBefore),
            Just(Fate::LostAfterEffect),
            Just(Fate::CrashBeforeSend),
            Just(Fate::CrashAfterEffect),
            Just(Fate::CrashAfterReply),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn whatever_happens_on_the_way_a_payload_is_created_once(
            fates in proptest::collection::vec(fate(), 0..8),
            shows_token in any::<bool>(),
            strangers in 0_usize..3,
            lag in 0_u32..2,
        ) {
            // A batch is in the listing `lag` looks after its creation, and ends some polls later.
            let (mut created, mut age) = (0_u32, 0_u32);
            let mut f = facts(BatchState::Planned);
            let mut fates = fates.into_iter();
            let mut steps = 0;
            while f.state != BatchState::Submitted {
                steps += 1;
                prop_assert!(steps < 200, "it never comes to rest: {f:?}");
                match decide(&f) {
                    Action::Send => {
                        f = facts(BatchState::Submitting);
                        match fates.next().unwrap_or(Fate::Created) {
                            Fate::Created => { created += 1; f.state = BatchState::Submitted; }
                            Fate::RefusedCleanly => f.state = BatchState::Planned,
                            Fate::LostBefore => f.state = BatchState::Ambiguous,
                            Fate::LostAfterEffect => { created += 1; f.state = BatchState::Ambiguous; }
                            Fate::CrashBeforeSend => {}
                            Fate::CrashAfterEffect | Fate::CrashAfterReply => created += 1,
                        }
                        age = 0;
                    }
                    Action::Look | Action::LookAgain | Action::Hold => {
                        age += 1;
                        let visible = created > 0 && age > lag;
                        let ended = age > lag + 2;
                        let mut all: Vec<Candidate> = Vec::new();
                        for n in 0..strangers {
                            // Strangers of equal size cannot be told apart before they end, and are then seen to be others'.
                            if !shows_token && age <= 3 {
                                all.push(Candidate { remote: format!("other{n}"), ours: Ours::Unknown });
                            }
                        }
                        if visible {
                            let ours = if shows_token || ended { Ours::Yes } else { Ours::Unknown };
                            all.push(Candidate { remote: "ours".into(), ours });
                        }
                        f.empty_looks = if all.is_empty() { f.empty_looks + 1 } else { 0 };
                        f.candidates = Some(all);
                    }
                    Action::Adopt(_) => f.state = BatchState::Submitted,
                    other => prop_assert!(false, "{other:?}"),
                }
                prop_assert!(created <= 1, "created twice");
            }
            prop_assert_eq!(created, 1);
        }
    }

    /// Course of a batch that a provider has.
    #[derive(Debug, Clone)]
    enum Course {
        /// It ends; of each request a line comes good, bad or not at all, perhaps twice; reading breaks off after so many lines at
        /// first.
        Ends { lines: Vec<u8>, cut: usize },
        /// It is refused as a whole.
        Fails { queue_full: bool },
    }

    fn course() -> impl Strategy<Value = Course> {
        prop_oneof![
            4 => (proptest::collection::vec(0_u8..5, 12), 0_usize..20).prop_map(|(lines, cut)| Course::Ends { lines, cut }),
            1 => any::<bool>().prop_map(|queue_full| Course::Fails { queue_full }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn whatever_comes_back_every_request_is_answered_once_or_given_up(
            total in 1_usize..12,
            courses in proptest::collection::vec((course(), fate(), any::<bool>()), 1..12),
        ) {
            const BUDGET: u32 = 8;
            let mut answered = vec![0_u32; total];
            let mut spent = vec![0_u32; total];
            let mut paid = 0;
            let mut courses = courses.into_iter();
            // Rounds: what is neither answered nor given up goes into a batch of its own.
            for _ in 0..200 {
                let open: Vec<usize> = (0..total).filter(|&n| answered[n] == 0 && spent[n] < BUDGET).collect();
                if open.is_empty() {
                    break;
                }
                let (course, fate, restarts) = courses
                    .next()
                    .unwrap_or((Course::Ends { lines: vec![0; 12], cut: 99 }, Fate::Created, false));
                let mut f = facts(BatchState::Planned);
                let mut created = 0;
                let mut outcome: Vec<Option<bool>> = vec![None; open.len()];
                let (mut reads, mut polls) = (0, 0);
                while !matches!(f.state, BatchState::Collected | BatchState::Refused) {
                    match decide(&f) {
                        Action::Send => {
                            let effect = !matches!(fate, Fate::RefusedCleanly | Fate::LostBefore | Fate::CrashBeforeSend);
                            let state = if matches!(fate, Fate::Created) { BatchState::Submitted } else { BatchState::Submitting };
                            // A second creation of the same payload only follows one that had no effect.
                            created += u32::from(effect || f.empty_looks > 0);
                            let seen = if f.empty_looks > 0 { BatchState::Submitted } else { state };
                            f = facts(if effect || f.empty_looks > 0 { seen } else { BatchState::Ambiguous });
                        }
                        Action::Look | Action::LookAgain | Action::Hold => {
                            let there = created > 0;
                            f.empty_looks += u32::from(!there);
                            f.candidates =
                                Some(if there { vec![Candidate { remote: "b".into(), ours: Ours::Yes }] } else { vec![] });
                        }
                        Action::Adopt(_) => f = facts(BatchState::Submitted),
                        Action::Poll => {
                            polls += 1;
                            f.standing = Some(match &course {
                                _ if polls < 3 => Standing::Running,
                                Course::Ends { .. } => Standing::Ended { places: vec!["r".into()], complete: true },
                                Course::Fails { queue_full } => {
                                    Standing::Failed { message: "no".into(), queue_full: *queue_full }
                                }
                            });
                        }
                        Action::Collect(_) => {
                            let Course::Ends { lines, cut } = &course else { unreachable!("only what ended is collected") };
                            reads += 1;
                            for (at, n) in (0..open.len()).rev().enumerate() {
                                if reads == 1 && at >= *cut {
                                    break;
                                }
                                // 0, 1 good; 2 good and twice; 3 bad; 4 missing.
                                for _ in 0..=u8::from(lines[n] == 2) {
                                    if lines[n] < 4 && outcome[n].is_none() {
                                        outcome[n] = Some(lines[n] < 3);
                                        paid += u32::from(lines[n] < 3);
                                    }
                                }
                            }
                            if reads > 1 || *cut >= open.len() {
                                f.state = BatchState::Collected;
                            } else if restarts {
                                // A restart knows the ledger and nothing else.
                                f = facts(BatchState::Ended);
                            }
                        }
                        Action::Refuse { .. } => f.state = BatchState::Refused,
                        Action::Rest | Action::AskPerson(_) => unreachable!("the loop ends before, and all can be read"),
                    }
                    prop_assert!(created <= 1, "a payload was created twice");
                }
                for (slot, n) in open.iter().enumerate() {
                    match outcome[slot] {
                        Some(true) => answered[*n] += 1,
                        _ => spent[*n] += 1,
                    }
                }
            }
            prop_assert!(answered.iter().all(|n| *n <= 1), "answered twice");
            prop_assert_eq!(paid, answered.iter().sum::<u32>(), "every answer that was paid for is kept");
            let settled = (0..total).filter(|&n| answered[n] == 1 || spent[n] >= BUDGET).count();
            prop_assert_eq!(settled, total, "the counts add up");
        }
    }
}
