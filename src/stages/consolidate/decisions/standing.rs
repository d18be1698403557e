//! What stands by the decisions on each term, and what comes of it: pure, and the same for every order of the lines.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::line::{Decision, DecisionsError, Ruling};
use crate::stages::extract::local::{canonical_form, key_form};
use crate::values::{Entry, KeyWriter, MasterEntry, Verdict};

/// What becomes of a term as a whole. Of several decisions on it the newest stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Fate {
    /// It stays as it is.
    Keep,
    /// It stays under another name.
    Rename {
        /// The name.
        name: String,
        /// Its comparison form.
        form: String,
    },
    /// It becomes a spelling of the term with this comparison form.
    Merge(String),
    /// It is left out.
    Drop,
}

/// What stands on one term.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The term as it was shown to who decided.
    pub text: String,
    /// What becomes of it, if that was decided.
    pub fate: Option<Fate>,
    /// Kind that it was given; empty for none.
    pub kind: Option<String>,
    /// Category that it was given; empty for none.
    pub category: Option<String>,
    /// Spellings that mean another term, with the name of that term where it has one of its own.
    pub split: BTreeMap<String, Option<String>>,
    /// Words for people.
    pub note: Option<String>,
}

/// Place in the master of what a document says of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Under the term's own comparison form.
    Stays,
    /// Nowhere.
    Dropped,
    /// Under this comparison form, as a term that the document spells so itself.
    Apart(String),
    /// Under this comparison form; the term has the name that comes second.
    Renamed(String, String),
    /// Under this comparison form, as one spelling more; the name counts only where no document has that term.
    Merged(String, String),
}

/// All decisions of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// By term, time and content.
    lines: Vec<Decision>,
    terms: BTreeMap<String, Standing>,
    /// Comparison forms of now, of terms that were decided on under those of before.
    forms: BTreeMap<String, String>,
    /// Terms by the comparison form that renaming leads them to: what stands on them otherwise goes along.
    renamed: BTreeMap<String, Vec<String>>,
}

/// Point of a term on which one decision stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Point<'a> {
    Fate,
    Kind,
    Category,
    Note,
    Spelling(&'a str),
}

fn point(ruling: &Ruling) -> Point<'_> {
    match ruling {
        Ruling::Keep | Ruling::Drop | Ruling::Rename(_) | Ruling::Merge(_) => Point::Fate,
        Ruling::Kind(_) => Point::Kind,
        Ruling::Category(_) => Point::Category,
        Ruling::Note(_) => Point::Note,
        Ruling::Split(spelling, _) => Point::Spelling(spelling),
    }
}

impl Decisions {
    /// The decisions of these lines, in any order; equal lines are one.
    ///
    /// # Errors
    /// A sentence about two that contradict each other, naming both, or about one that cannot be carried out.
    pub fn of(mut lines: Vec<Decision>) -> Result<Self, DecisionsError> {
        lines.sort();
        lines.dedup();
        let mut newest: BTreeMap<(&str, Point<'_>), &Decision> = BTreeMap::new();
        for line in &lines {
            let known = newest.entry((&line.term, point(&line.ruling))).or_insert(line);
            if known.at.is_none() && line.at.is_none() && known.ruling != line.ruling {
                return Err(DecisionsError(format!(
                    "two lines without \"at\" decide on '{}': {}, and {}; take one of them out",
                    line.term,
                    known.says(),
                    line.says()
                )));
            }
            // Without a time it was written by hand just now.
            if (line.at.is_none(), line.at, &line.ruling) > (known.at.is_none(), known.at, &known.ruling) {
                *known = line;
            }
        }
        let mut terms: BTreeMap<String, Standing> = BTreeMap::new();
        for ((term, _), line) in newest {
            let standing = terms.entry(term.to_owned()).or_default();
            standing.text.clone_from(&line.text);
            match &line.ruling {
                Ruling::Keep => standing.fate = Some(Fate::Keep),
                Ruling::Drop => standing.fate = Some(Fate::Drop),
                Ruling::Rename(name) => {
                    standing.fate = Some(Fate::Rename { name: name.clone(), form: canonical_form(name) });
                }
                Ruling::Merge(into) => standing.fate = Some(Fate::Merge(into.clone())),
                Ruling::Split(spelling, name) => drop(standing.split.insert(spelling.clone(), name.clone())),
                Ruling::Kind(kind) => standing.kind = Some(kind.clone()),
                Ruling::Category(category) => standing.category = Some(category.clone()),
                Ruling::Note(note) => standing.note = Some(note.clone()).filter(|note| !note.is_empty()),
            }
        }
        // A decision that was made when comparison forms were no words holds for the form of now too.
        let of_before = terms.iter().filter(|(term, standing)| key_form(&standing.text) == **term);
        let forms = of_before.map(|(term, standing)| (canonical_form(&standing.text), term.clone()));
        let forms = forms.filter(|(form, _)| !form.is_empty() && !terms.contains_key(form)).collect();
        let mut decisions = Self { lines, terms, forms, renamed: BTreeMap::new() };
        decisions.check()?;
        let ends = decisions.terms.keys().map(|term| (decisions.renamed_to(term).to_owned(), term.clone()));
        let mut renamed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (end, term) in ends.filter(|(end, term)| end != term) {
            renamed.entry(end).or_default().push(term);
        }
        decisions.renamed = renamed;
        Ok(decisions)
    }

    /// The lines, as the file has them.
    pub fn lines(&self) -> &[Decision] {
        &self.lines
    }

    /// What was decided on a term in the course of time, the oldest first.
    pub fn history<'a>(&'a self, term: &str) -> impl Iterator<Item = &'a Decision> {
        let term = self.known_as(term).unwrap_or_default().to_owned();
        self.lines.iter().filter(move |line| line.term == term)
    }

    /// What stands on a term, if anything was decided on it.
    pub fn on(&self, canonical: &str) -> Option<&Standing> {
        self.terms.get(self.known_as(canonical)?)
    }

    /// Form under which decisions on a term stand.
    pub fn known_as(&self, canonical: &str) -> Option<&str> {
        let known = self.terms.get_key_value(canonical).map(|(term, _)| term);
        known.or_else(|| self.forms.get(canonical)).map(String::as_str)
    }

    /// Every term that was decided on, and what stands.
    pub fn standing(&self) -> impl Iterator<Item = (&str, &Standing)> {
        self.terms.iter().map(|(term, standing)| (term.as_str(), standing))
    }

    /// True if nothing was decided.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Test whether a decision moves what documents say of one term to another.
    pub fn moves(&self) -> bool {
        let moves = |s: &Standing| {
            !s.split.is_empty() || matches!(s.fate, Some(Fate::Rename { .. } | Fate::Merge(_) | Fate::Drop))
        };
        self.terms.values().any(moves)
    }

    /// Adds what stands to a key: other decisions make another master.
    ///
    /// # Panics
    /// Never: what stands has string keys.
    pub fn add_to(&self, key: KeyWriter) -> KeyWriter {
        self.terms.iter().fold(key, |key, (term, standing)| {
            key.text(term).text(&serde_json::to_string(standing).expect("string keys"))
        })
    }

    /// These decisions and new ones, each about a term, its text and what is decided. They are made at one time, `now`, or just after the
    /// newest that is known where a clock is behind, so that they stand and are taken back together. What stands already is not
    /// added; lines that were written by hand get this time.
    ///
    /// # Errors
    /// As of [`Decisions::of`].
    pub fn with(
        &self,
        new: impl IntoIterator<Item = (String, String, Ruling)>,
        now: Timestamp,
    ) -> Result<Self, DecisionsError> {
        let at = self.next_time(now);
        let mut lines = self.lines.clone();
        for line in lines.iter_mut().filter(|line| line.at.is_none()) {
            line.at = Some(at);
        }
        let dated = Self::of(lines)?;
        let new: Vec<_> = new.into_iter().filter(|(term, _, ruling)| !dated.stands(term, ruling)).collect();
        let Some(at) = (!new.is_empty()).then(|| dated.next_time(now)) else { return Ok(dated) };
        let mut lines = dated.lines;
        let mut at_once: BTreeMap<(String, String), Decision> = BTreeMap::new();
        for (term, text, ruling) in new {
            let term = dated.forms.get(&term).cloned().unwrap_or(term);
            let line = Decision { term, at: Some(at), ruling, text };
            let about = (line.term.clone(), format!("{:?}", point(&line.ruling)));
            if let Some(other) = at_once.insert(about, line.clone()).filter(|other| other.ruling != line.ruling) {
                return Err(DecisionsError(format!(
                    "'{}' is decided on twice at once: {}, and {}",
                    line.term,
                    other.says(),
                    line.says()
                )));
            }
            lines.push(line);
        }
        Self::of(lines)
    }

    /// These decisions without the newest, or without the newest on one term; those made at the same time go with it. None if there is none.
    ///
    /// # Errors
    /// As of [`Decisions::of`]: what would stand then may contradict itself.
    pub fn without_newest(&self, term: Option<&str>) -> Result<Option<(Self, Vec<Decision>)>, DecisionsError> {
        let term = term.map(|term| self.known_as(term).unwrap_or(term));
        let is_meant = |line: &Decision| term.is_none_or(|term| line.term == term);
        let age = |line: &Decision| (line.at.is_none(), line.at);
        let Some(newest) = self.lines.iter().filter(|line| is_meant(line)).map(age).max() else { return Ok(None) };
        let (gone, left) = self.lines.iter().cloned().partition(|line| is_meant(line) && age(line) == newest);
        Ok(Some((Self::of(left)?, gone)))
    }

    fn next_time(&self, now: Timestamp) -> Timestamp {
        let newest = self.lines.iter().filter_map(|line| line.at).max();
        // Thousandths of a second are enough for a person, and shorter in the file.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let after = newest.and_then(|newest| newest.checked_add(1.millisecond()).ok());
        after.map_or(now, |after| now.max(after))
    }

    /// Test whether a line stands, and no newer one on the same point has taken its place.
    pub fn in_force(&self, line: &Decision) -> bool {
        self.stands(&line.term, &line.ruling)
    }

    /// Test whether a decision is in force already.
    fn stands(&self, term: &str, ruling: &Ruling) -> bool {
        let none = Standing::default();
        let on = self.on(term).unwrap_or(&none);
        match ruling {
            Ruling::Keep => on.fate == Some(Fate::Keep),
            Ruling::Drop => on.fate == Some(Fate::Drop),
            Ruling::Rename(to) => matches!(&on.fate, Some(Fate::Rename { name, .. }) if name == to),
            Ruling::Merge(into) => matches!(&on.fate, Some(Fate::Merge(known)) if known == into),
            Ruling::Split(spelling, name) => on.split.get(spelling) == Some(name),
            Ruling::Kind(kind) => on.kind.as_ref() == Some(kind),
            Ruling::Category(category) => on.category.as_ref() == Some(category),
            Ruling::Note(note) => on.note.as_deref().unwrap_or_default() == note,
        }
    }

    /// Comparison form to which renames lead from a term.
    fn renamed_to<'a>(&'a self, term: &'a str) -> &'a str {
        let mut at = term;
        while let Some(Fate::Rename { form, .. }) = self.fate(at)
            && form != at
        {
            at = form;
        }
        at
    }

    fn fate(&self, canonical: &str) -> Option<&Fate> {
        self.on(canonical)?.fate.as_ref()
    }

    /// Place in the master of what a document says of the term `canonical`, which it spells `text`.
    pub fn destination(&self, canonical: &str, text: &str) -> Destination {
        let mut place = Destination::Stays;
        let mut at = canonical.to_owned();
        if let Some(name) = self.on(canonical).and_then(|standing| standing.split.get(text)) {
            (at, place) = match name {
                Some(name) => (canonical_form(name), Destination::Renamed(canonical_form(name), name.clone())),
                None => (text.to_owned(), Destination::Apart(text.to_owned())),
            };
        }
        // One may follow the other, in no circle.
        for _ in 0..=self.terms.len() {
            match self.fate(&at) {
                None | Some(Fate::Keep) => break,
                Some(Fate::Drop) => return Destination::Dropped,
                Some(Fate::Rename { name, form }) => {
                    place = Destination::Renamed(form.clone(), name.clone());
                    if *form == at {
                        break;
                    }
                    at.clone_from(form);
                }
                Some(Fate::Merge(into)) => {
                    let name = self.on(into).map_or(into, |standing| &standing.text);
                    place = Destination::Merged(into.clone(), name.clone());
                    at.clone_from(into);
                }
            }
        }
        place
    }

    /// The entry of a master as it stands by these decisions; none if it is left out, or a spelling of another one now. What a document says
    /// goes its way by [`Decisions::destination`] before entries are made; for an entry that is there this shows what the next master will say.
    pub fn apply(&self, mut entry: MasterEntry) -> Option<MasterEntry> {
        let own = self.on(&entry.canonical);
        match own.and_then(|standing| standing.fate.as_ref()) {
            Some(Fate::Drop | Fate::Merge(_)) => return None,
            Some(Fate::Rename { name, form }) => {
                if entry.text != *name && !entry.renamed_from.contains(&entry.text) {
                    entry.renamed_from.push(std::mem::take(&mut entry.text));
                }
                (entry.text, entry.canonical, entry.id) = (name.clone(), form.clone(), Entry::id_of(form));
                entry.review = Some(Verdict::Rename);
            }
            Some(Fate::Keep) => entry.review = entry.review.or(Some(Verdict::Keep)),
            None => {}
        }
        let renamed = self.renamed.get(&entry.canonical).into_iter().flatten().filter_map(|term| self.terms.get(term));
        let all: Vec<&Standing> = own.into_iter().chain(renamed).collect();
        let given = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
        if let Some(kind) = all.iter().find_map(|standing| standing.kind.as_ref()) {
            entry.kind = given(kind);
        }
        if let Some(category) = all.iter().find_map(|standing| standing.category.as_ref()) {
            entry.category = given(category);
            entry.conflicts.retain(|conflict| conflict.field != "category");
        }
        entry.note = all.iter().find_map(|standing| standing.note.clone());
        Some(entry)
    }

    /// Terms that others are merged into.
    pub fn merged_into(&self) -> impl Iterator<Item = &str> {
        self.terms.values().filter_map(|standing| match &standing.fate {
            Some(Fate::Merge(into)) => Some(into.as_str()),
            _ => None,
        })
    }

    fn check(&self) -> Result<(), DecisionsError> {
        let wrong = |words: String| Err(DecisionsError(words));
        // Two terms that become one have to agree on how it is written.
        let mut names: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for (term, standing) in &self.terms {
            for (spelling, name) in &standing.split {
                let form = name.as_ref().map_or_else(|| spelling.clone(), |name| canonical_form(name));
                if form.is_empty() || form == *term {
                    return wrong(format!(
                        "'{spelling}' cannot be split out of '{term}' under that term's own form; give it another name"
                    ));
                }
            }
            match &standing.fate {
                Some(Fate::Rename { name, form }) if form.is_empty() => {
                    return wrong(format!("'{term}' is renamed to '{name}', which has no word"));
                }
                Some(Fate::Rename { name, form }) => {
                    if let Some((other, written)) = names.insert(form, (term, name))
                        && written != name
                    {
                        return wrong(format!(
                            "'{other}' is renamed to '{written}' and '{term}' to '{name}', which are one term written in two ways; write both alike"
                        ));
                    }
                }
                _ => {}
            }
            self.check_circle(term)?;
        }
        Ok(())
    }

    /// Follows renames and merges to their end, which has to be there.
    fn check_circle(&self, term: &str) -> Result<(), DecisionsError> {
        let mut seen = BTreeSet::from([term]);
        let mut at = term;
        loop {
            at = match self.fate(at) {
                Some(Fate::Rename { form, .. }) if form == at => return Ok(()),
                Some(Fate::Rename { form: next, .. } | Fate::Merge(next)) => next,
                _ => return Ok(()),
            };
            if !seen.insert(at) {
                let all: Vec<&str> = seen.into_iter().collect();
                return Err(DecisionsError(format!(
                    "renames and merges lead from '{term}' in a circle ({}); take one of them back",
                    all.join(", ")
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn about(term: &str, ruling: Ruling) -> (String, String, Ruling) {
        (term.to_owned(), term.to_owned(), ruling)
    }

    fn rename(name: &str) -> Ruling {
        Ruling::Rename(name.into())
    }

    fn merge(into: &str) -> Ruling {
        Ruling::Merge(into.into())
    }

    /// One decision a second, in this order.
    fn made(all: &[(&str, Ruling)]) -> Result<Decisions, DecisionsError> {
        let mut each = (0..).zip(all).map(|(n, (term, ruling))| (n, about(term, ruling.clone())));
        each.try_fold(Decisions::default(), |known, (n, new)| known.with([new], at(n)))
    }

    fn error(all: &[(&str, Ruling)]) -> String {
        made(all).unwrap_err().to_string()
    }

    #[test]
    fn the_newest_stands_in_whatever_order_the_lines_come() {
        let decisions = made(&[
            ("orc", Ruling::Drop),
            ("elf", merge("fay")),
            ("orc", rename("Tusker")),
            ("orc", Ruling::Kind("creature".into())),
            ("orc", Ruling::Note("why".into())),
            ("orc", Ruling::Note(String::new())),
        ])
        .unwrap();
        let on = decisions.on("orc").unwrap();
        assert_eq!(on.fate, Some(Fate::Rename { name: "Tusker".into(), form: "tusker".into() }));
        assert_eq!((on.kind.as_deref(), &on.note), (Some("creature"), &None));
        let mut lines = decisions.lines().to_vec();
        lines.reverse();
        assert_eq!(Decisions::of(lines.clone()).unwrap(), decisions);
        // As after a merge of two branches that kept both sides.
        lines.extend(decisions.lines().to_vec());
        assert_eq!(Decision::write_all(Decisions::of(lines).unwrap().lines()), Decision::write_all(decisions.lines()));
        assert_eq!(decisions.history("orc").count(), 5);
    }

    #[test]
    fn undo_brings_back_what_stood_before_and_takes_a_bulk_together() {
        let before = made(&[("orc", Ruling::Keep), ("elf", Ruling::Drop)]).unwrap();
        let bulk = before.with([about("orc", Ruling::Drop), about("elk", Ruling::Drop)], at(9)).unwrap();
        assert_eq!(bulk.on("orc").unwrap().fate, Some(Fate::Drop));
        let (back, gone) = bulk.without_newest(None).unwrap().unwrap();
        assert_eq!((&back, gone.len()), (&before, 2));
        let (back, gone) = bulk.without_newest(Some("elf")).unwrap().unwrap();
        assert!(back.on("elf").is_none() && back.on("elk").is_some() && gone[0].term == "elf");
        assert_eq!(Decisions::default().without_newest(None).unwrap(), None);
        assert_eq!(before.without_newest(Some("wyrm")).unwrap(), None);
        // A clock that goes back makes no decision older than what it follows.
        let later = before.with([about("orc", Ruling::Drop)], at(-99)).unwrap();
        assert_eq!(later.on("orc").unwrap().fate, Some(Fate::Drop));
        assert_eq!(later.with([about("orc", Ruling::Drop)], at(50)).unwrap(), later, "what stands is not said again");
    }

    #[test]
    fn a_line_written_by_hand_stands_until_a_command_dates_it() {
        let dated = made(&[("orc", Ruling::Keep)]).unwrap();
        let mut lines = dated.lines().to_vec();
        lines.push(Decision { term: "orc".into(), at: None, ruling: Ruling::Drop, text: "Orc".into() });
        let both = Decisions::of(lines.clone()).unwrap();
        assert_eq!(both.on("orc").unwrap().fate, Some(Fate::Drop));
        let after = both.with([], at(5)).unwrap();
        assert!(after.lines().iter().all(|line| line.at.is_some()));
        assert_eq!(after.on("orc").unwrap().fate, Some(Fate::Drop));
        lines.push(Decision { term: "orc".into(), at: None, ruling: rename("Tusker"), text: "Orc".into() });
        let twice = Decisions::of(lines).unwrap_err().to_string();
        assert!(twice.contains("drop") && twice.contains("rename to 'Tusker'"), "{twice}");
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_and_both_sides_are_named() {
        let circle = error(&[("a", merge("b")), ("b", merge("c")), ("c", rename("A"))]);
        assert!(circle.contains("in a circle (a, b, c)"), "{circle}");
        assert!(error(&[("a", merge("a"))]).contains("in a circle"));
        let written = error(&[("orc", rename("Cave Eel")), ("ork", rename("cave eels"))]);
        assert!(written.contains("'Cave Eel'") && written.contains("'cave eels'"), "{written}");
        assert!(error(&[("bank", Ruling::Split("bank".into(), None))]).contains("another name"));
        assert!(error(&[("bank", Ruling::Split("Bank".into(), Some("BANK".into())))]).contains("another name"));
        assert!(error(&[("orc", rename("--"))]).contains("no word"));
        let at_once = Decisions::default().with([about("orc", Ruling::Keep), about("orc", Ruling::Drop)], at(0));
        assert!(at_once.unwrap_err().to_string().contains("twice at once: keep, and drop"));
    }

    #[test]
    fn what_a_document_says_goes_where_the_decisions_lead() {
        let decisions = made(&[
            ("orc", rename("Tusker")),
            ("ork", merge("orc")),
            ("orks", merge("ork")),
            ("bank", Ruling::Split("Bank".into(), None)),
            ("bank", Ruling::Split("BANK".into(), Some("Bank of Salt".into()))),
            ("elk", Ruling::Drop),
            ("moose", Ruling::Keep),
            ("fay", merge("fairy")),
            ("tusker", Ruling::Kind("creature".into())),
            ("imp", rename("Elk")),
            ("wolf", rename("Wolf")),
        ])
        .unwrap();
        let to = |term: &str, text: &str| decisions.destination(term, text);
        let renamed = || Destination::Renamed("tusker".into(), "Tusker".into());
        assert_eq!((to("orc", "Orc"), to("ork", "Ork"), to("orks", "x")), (renamed(), renamed(), renamed()));
        assert_eq!(to("bank", "bank"), Destination::Stays);
        assert_eq!(to("bank", "Bank"), Destination::Apart("Bank".into()));
        let named = "Bank of Salt";
        assert_eq!(to("bank", "BANK"), Destination::Renamed(canonical_form(named), named.into()));
        assert_eq!(
            (to("imp", "Imp"), to("wolf", "wolf")),
            (Destination::Dropped, Destination::Renamed("wolf".into(), "Wolf".into()))
        );
        assert_eq!((to("elk", "Elk"), to("moose", "Moose")), (Destination::Dropped, Destination::Stays));
        assert_eq!(to("fay", "Fay"), Destination::Merged("fairy".into(), "fairy".into()));
    }

    #[test]
    fn what_stands_on_a_renamed_term_goes_along() {
        use crate::values::Conflict;
        let decisions = made(&[
            ("orc", Ruling::Category("creature".into())),
            ("orc", Ruling::Note("of the hills".into())),
            ("orc", rename("Tusker")),
            ("tusker", rename("Boar")),
            ("elk", Ruling::Drop),
            ("ork", merge("orc")),
        ])
        .unwrap();
        let entry = |canonical: &str| {
            let mut entry = super::super::super::Merging::default().finish(canonical, 1);
            entry.conflicts = vec![Conflict { field: "category".into(), values: vec![] }];
            entry
        };
        let boar = decisions.apply(entry("boar")).unwrap();
        assert_eq!((boar.category.as_deref(), boar.note.as_deref()), (Some("creature"), Some("of the hills")));
        assert!(boar.conflicts.is_empty());
        assert_eq!((decisions.apply(entry("elk")), decisions.apply(entry("ork"))), (None, None));
        let other = entry("other");
        assert_eq!(decisions.apply(other.clone()), Some(other));
    }
}
