//! The terms that a review goes through: where they stand in the master, which one is shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::exit::CommandError;
use crate::engine::Master;
use crate::stages::consolidate::{Decisions, folded};
use crate::values::MasterEntry;

/// Choice of terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// Flagged terms, by their comparison form.
    Flagged,
    /// Every term, best first.
    All,
    /// Terms whose name or spelling holds these words: the one of that name, then best first.
    Search(String),
}

/// A term of the deck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    /// Place in the master.
    pub place: u64,
    pub canonical: String,
    pub text: String,
    /// Flag that nobody has answered in the master.
    pub flag: Option<String>,
}

/// The terms in the order in which they are shown.
#[derive(Debug, Default)]
pub(super) struct Deck {
    pub cards: Vec<Card>,
    pub at: usize,
}

impl Deck {
    /// The terms of a choice; those that are decided on only with `decided`.
    pub(super) fn of(
        master: &mut Master,
        choice: &Choice,
        decisions: &Decisions,
        decided: bool,
    ) -> Result<Self, CommandError> {
        let words = match choice {
            Choice::Search(words) => folded(words),
            _ => String::new(),
        };
        let mut cards = Vec::new();
        master.each(&mut |place, entry| {
            let open = decided || is_open(decisions, &entry);
            let chosen = match choice {
                Choice::Flagged => entry.ip_flag.is_some(),
                Choice::All => true,
                Choice::Search(_) => holds(&entry, &words),
            };
            if open && chosen {
                let flag = entry.ip_flag.filter(|_| entry.review.is_none());
                cards.push(Card { place, canonical: entry.canonical, text: entry.text, flag });
            }
            Ok::<_, CommandError>(true)
        })?;
        match choice {
            Choice::Flagged => cards.sort_by(|a, b| a.canonical.cmp(&b.canonical)),
            Choice::Search(_) => cards.sort_by_key(|card| folded(&card.text) != words),
            Choice::All => {}
        }
        Ok(Self { cards, at: 0 })
    }

    pub(super) fn card(&self) -> Option<&Card> {
        self.cards.get(self.at)
    }

    /// Terms from this one on that wait with its flag.
    pub(super) fn of_this_flag(&self, decisions: &Decisions) -> Vec<&Card> {
        let Some(flag) = self.card().and_then(|card| card.flag.as_ref()) else { return Vec::new() };
        let waits = |card: &&Card| card.flag.as_ref() == Some(flag) && !is_decided(decisions, &card.canonical);
        self.cards.iter().filter(waits).collect()
    }

    /// Goes to the next term that is not decided on, or to the next at all where those are shown too.
    pub(super) fn advance(&mut self, decisions: &Decisions, decided: bool) {
        self.at += 1;
        while !decided && self.card().is_some_and(|card| is_decided(decisions, &card.canonical)) {
            self.at += 1;
        }
    }

    /// Goes to the term of a comparison form, if it is in the deck.
    pub(super) fn go_to(&mut self, canonical: &str) {
        if let Some(at) = self.cards.iter().position(|card| card.canonical == canonical) {
            self.at = at;
        }
    }

    /// Flags of the deck and how many terms of each wait.
    pub(super) fn flags(&self, decisions: &Decisions) -> BTreeMap<&str, usize> {
        let mut flags = BTreeMap::new();
        for card in self.cards.iter().filter(|card| !is_decided(decisions, &card.canonical)) {
            if let Some(flag) = &card.flag {
                *flags.entry(flag.as_str()).or_default() += 1;
            }
        }
        flags
    }
}

pub(super) fn is_decided(decisions: &Decisions, canonical: &str) -> bool {
    decisions.on(canonical).is_some_and(|standing| standing.fate.is_some())
}

fn is_open(decisions: &Decisions, entry: &MasterEntry) -> bool {
    entry.review.is_none() && !is_decided(decisions, &entry.canonical)
}

fn holds(entry: &MasterEntry, words: &str) -> bool {
    let texts: BTreeSet<&str> =
        [entry.text.as_str()].into_iter().chain(entry.variants.iter().map(|v| v.text.as_str())).collect();
    texts.into_iter().any(|text| folded(text).contains(words))
}
