//! Statements of several documents on one term, put together. Nothing here depends on the order in which they come:
//! sums are of whole numbers, choices follow total orders.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::values::{
    Conflict, ConflictValue, DefinitionPlace, DefinitionSource, Entry, MasterEntry, MasterOccurrence, Variant, Verdict,
};

/// Version of the merging. Raised whenever the same files may give another master.
pub const VERSION: u32 = 3;

/// Places kept of each document in the store's state, and so at most in the master.
pub const PLACES_OF_A_DOCUMENT: usize = 3;

/// Places kept of a term.
const PLACES: usize = 20;

/// Source paths kept of a term.
const SOURCES: usize = 100;

/// Documents from which on statistics over them mean something: the terms of fewer are all "in most documents".
const ENOUGH_DOCUMENTS: u64 = 5;

/// Part of its score that a term loses that is in all documents, about.
const SHARED: f64 = 0.2;

/// Weight of a document that gives no confidence, in thousandths.
const UNKNOWN_CONFIDENCE: u64 = 500;

/// Test whether a corpus of this many documents has statistics.
pub fn has_statistics(documents: u64) -> bool {
    documents >= ENOUGH_DOCUMENTS
}

/// Documents that have a value, and the sum of their confidences in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Votes {
    documents: u64,
    weight: u64,
}

type Ballot = BTreeMap<String, Votes>;

/// Highest weight first, then by path.
type Precedence = (Reverse<u64>, String);

/// Surest source first, then by weight and path.
type DefinitionPrecedence = (u8, Precedence);

/// Way and place in which a document gives a definition.
type Defined = (Option<DefinitionSource>, Option<DefinitionPlace>);

/// Definitions kept of a term while documents are put together.
const DEFINITIONS: usize = 8;

/// Two definitions that share fewer of their longer words than this part say different things.
const SAME_WORDS: f64 = 0.25;

/// Letters of a word that tells definitions apart.
const LONGER_WORD: usize = 4;

/// Name under which a document's statement comes to a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    /// As the document writes it.
    Own,
    /// The name that a decision gives the term.
    Renamed(&'a str),
    /// That of another term, whose spelling it is by a decision: `name` counts where no document has that term.
    Merged(&'a str),
}

/// The term of several documents.
#[derive(Debug, Default)]
pub struct Merging {
    variants: BTreeMap<String, u64>,
    /// Spellings that decisions merged into this term.
    merged: BTreeMap<String, u64>,
    merged_into: Option<String>,
    renamed: BTreeMap<String, String>,
    kind: Ballot,
    pos: Ballot,
    category: Ballot,
    intent: Ballot,
    genre: Ballot,
    mood: Ballot,
    energy: Ballot,
    secondary_intents: Option<BTreeSet<String>>,
    tags: Option<BTreeSet<String>>,
    /// Sum of millionths times weight, and of weights.
    axes: BTreeMap<String, (u128, u128)>,
    confidence: (u64, u64),
    /// The best, in millionths.
    score: u64,
    aliases: BTreeSet<String>,
    flag: Option<String>,
    definitions: BTreeMap<(DefinitionPrecedence, String), Defined>,
    fields: Option<(Precedence, String, Map<String, Value>)>,
    documents: u64,
    occurrences: u64,
    sources: BTreeSet<String>,
    /// By index within the document first, so that each document comes in turn.
    places: BTreeMap<(usize, String, usize, usize), MasterOccurrence>,
}

impl Merging {
    /// Takes in what a document says. `first` is false for what the same document says once more of the same term, under
    /// another spelling.
    pub fn add(&mut self, entry: Entry, first: bool, given: Given<'_>) {
        let known = entry.confidence.or(entry.score);
        let weight = known.map_or(UNKNOWN_CONFIDENCE, |c| scaled(c, 1000.0).max(1));
        let one = u64::from(first);
        self.documents += one;
        self.occurrences += entry.occurrence_count.max(1);
        let score = entry.score.or(entry.confidence).map_or(UNKNOWN_CONFIDENCE * 1000, |score| scaled(score, 1e6));
        self.score = self.score.max(score);
        self.aliases.extend(entry.aliases);
        match given {
            Given::Renamed(name) => {
                self.renamed.insert(entry.text.clone(), name.to_owned());
            }
            Given::Merged(name) => {
                *self.merged.entry(entry.text).or_default() += 1;
                if self.merged_into.as_deref().is_none_or(|known| name < known) {
                    self.merged_into = Some(name.to_owned());
                }
            }
            Given::Own => {
                *self.variants.entry(entry.text).or_default() += 1;
                // A decision has been made on the flag of what was renamed or merged.
                if let Some(flag) = entry.ip_flag
                    && self.flag.as_ref().is_none_or(|known| flag < *known)
                {
                    self.flag = Some(flag);
                }
            }
        }
        for (ballot, value) in [
            (&mut self.kind, entry.kind),
            (&mut self.pos, entry.pos),
            (&mut self.category, entry.category),
            (&mut self.intent, entry.intent),
            (&mut self.genre, entry.genre),
            (&mut self.mood, entry.mood),
            (&mut self.energy, entry.energy),
        ] {
            if let Some(value) = value {
                let votes = ballot.entry(value).or_default();
                votes.documents += one;
                votes.weight += weight;
            }
        }
        for (all, more) in [(&mut self.secondary_intents, entry.secondary_intents), (&mut self.tags, entry.tags)] {
            if let Some(more) = more {
                all.get_or_insert_default().extend(more);
            }
        }
        for (axis, score) in entry.axes.unwrap_or_default() {
            let sums = self.axes.entry(axis).or_default();
            sums.0 += u128::from(scaled(score, 1e6)) * u128::from(weight);
            sums.1 += u128::from(weight);
        }
        if let Some(confidence) = entry.confidence {
            self.confidence.0 += scaled(confidence, 1e6);
            self.confidence.1 += 1;
        }
        let precedence = || (Reverse(weight), entry.source.clone());
        if let Some(definition) = entry.definition {
            // What a model gave stands between what the layout says and what only has the form.
            let source = entry.definition_source.map_or(FROM_A_MODEL, |source| source as u8);
            let defined = (entry.definition_source, entry.definition_place);
            self.definitions.insert(((source, precedence()), definition), defined);
            if self.definitions.len() > DEFINITIONS {
                self.definitions.pop_last();
            }
        }
        if let Some(fields) = entry.fields {
            let text = Value::Object(fields.clone()).to_string();
            let better =
                self.fields.as_ref().is_none_or(|(known, said, _)| (precedence(), &text) < (known.clone(), said));
            if better {
                self.fields = Some((precedence(), text, fields));
            }
        }
        for (n, place) in entry.occurrences.into_iter().take(PLACES_OF_A_DOCUMENT).enumerate() {
            let key = (n, entry.source.clone(), place.start, place.end);
            self.places.insert(key, MasterOccurrence { source: entry.source.clone(), place });
            if self.places.len() > PLACES {
                self.places.pop_last();
            }
        }
        self.sources.insert(entry.source);
        if self.sources.len() > SOURCES {
            self.sources.pop_last();
        }
    }

    /// The entry of the term `canonical` in a corpus of `corpus` documents.
    pub fn finish(self, canonical: &str, corpus: u64) -> MasterEntry {
        let definitions = self.conflicting_definitions();
        let given = self.renamed.values().next().cloned();
        let own = self.variants.iter().min_by_key(|(text, documents)| (Reverse(**documents), *text));
        let own = own.map(|(text, _)| text.clone());
        let text = given.clone().or(own).or(self.merged_into).unwrap_or_default();
        let mut spellings = self.variants;
        for (spelling, documents) in self.merged {
            *spellings.entry(spelling).or_default() += documents;
        }
        let variants = sorted(spellings);
        let conflicts = [("category", &self.category), ("intent", &self.intent)]
            .into_iter()
            .filter(|(_, ballot)| ballot.len() > 1)
            .map(|(field, ballot)| conflict(field, ballot))
            .chain(definitions)
            .collect();
        let definition = self.definitions.into_iter().next();
        let (definition_source, definition_place) =
            definition.as_ref().map(|(_, defined)| *defined).unwrap_or_default();
        let (definition_from, definition) =
            definition.map(|(((_, (_, path)), definition), _)| (path, definition)).unzip();
        let confidence = (self.confidence.1 > 0).then(|| mean(self.confidence.0.into(), self.confidence.1.into()));
        let idf = has_statistics(corpus).then(|| idf(corpus, self.documents));
        // What many documents share is seldom a term of one of them, though a shelf may have terms of its own.
        let rarity = idf.map_or(1.0, |idf| 1.0 - SHARED + SHARED * idf / self::idf(corpus, 1));
        let score = self.score as f64 / 1e6 * rarity;
        let list = |set: Option<BTreeSet<String>>| set.map(|set| set.into_iter().collect());
        let mut occurrences: Vec<MasterOccurrence> = self.places.into_values().collect();
        occurrences
            .sort_by(|a, b| (&a.source, a.place.start, a.place.end).cmp(&(&b.source, b.place.start, b.place.end)));
        MasterEntry {
            id: Entry::id_of(canonical),
            text,
            canonical: canonical.to_owned(),
            rank: 0,
            variants,
            aliases: self.aliases.into_iter().collect(),
            review: given.map(|_| Verdict::Rename),
            renamed_from: self.renamed.into_keys().collect(),
            kind: winner(&self.kind),
            pos: winner(&self.pos),
            category: winner(&self.category),
            intent: winner(&self.intent),
            secondary_intents: list(self.secondary_intents),
            genre: winner(&self.genre),
            mood: winner(&self.mood),
            energy: winner(&self.energy),
            tags: list(self.tags),
            axes: (!self.axes.is_empty())
                .then(|| self.axes.into_iter().map(|(axis, (sum, weight))| (axis, mean(sum, weight))).collect()),
            confidence,
            ip_flag: self.flag,
            note: None,
            definition,
            definition_source,
            definition_from: definition_from.filter(|path| !path.is_empty()),
            definition_place,
            document_count: self.documents,
            occurrence_count: self.occurrences,
            idf,
            score: millionths(score),
            sources: self.sources.into_iter().collect(),
            occurrences,
            conflicts,
            fields: self.fields.map(|(_, _, fields)| fields),
        }
    }
}

/// Spellings, the commonest first.
fn sorted(spellings: BTreeMap<String, u64>) -> Vec<Variant> {
    let mut variants: Vec<Variant> =
        spellings.into_iter().map(|(text, documents)| Variant { text, documents }).collect();
    variants.sort_by(|a, b| b.documents.cmp(&a.documents).then_with(|| a.text.cmp(&b.text)));
    variants
}

/// Place of a model's definition among the sources.
const FROM_A_MODEL: u8 = DefinitionSource::Emphasis as u8;

impl Merging {
    /// The definitions that say something else than the first, with it.
    fn conflicting_definitions(&self) -> Option<Conflict> {
        let mut all = self.definitions.keys();
        let first = all.next()?;
        let others: Vec<_> = all.filter(|(_, text)| !say_the_same(&first.1, text)).collect();
        let value = |((_, (Reverse(weight), _)), text): &(DefinitionPrecedence, String)| ConflictValue {
            value: text.clone(),
            documents: 1,
            confidence: *weight as f64 / 1000.0,
        };
        let values = || std::iter::once(first).chain(others.iter().copied()).map(value).collect();
        (!others.is_empty()).then(|| Conflict { field: "definition".into(), values: values() })
    }
}

fn say_the_same(a: &str, b: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        words.filter(|word| word.chars().count() >= LONGER_WORD).collect()
    };
    let (a, b) = (words(a), words(b));
    let fewer = a.len().min(b.len());
    fewer == 0 || a.intersection(&b).count() as f64 >= SAME_WORDS * fewer as f64
}

/// The smoothed inverse document frequency `ln((1 + n) / (1 + df)) + 1`, as scikit-learn's `TfidfTransformer` has it
/// (<https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting>).
fn idf(corpus: u64, documents: u64) -> f64 {
    thousandths(((1 + corpus) as f64 / (1 + documents) as f64).ln() + 1.0)
}

/// A share in whole parts. What lies outside 0 to 1 was refused when the file was read.
fn scaled(share: f64, parts: f64) -> u64 {
    (share * parts).round() as u64
}

/// A mean of millionths to three decimals, in whole numbers up to the last step.
fn mean(sum: u128, weight: u128) -> f64 {
    let thousandths = (sum + 500 * weight) / (1000 * weight.max(1));
    thousandths as f64 / 1000.0
}

/// Logarithms may differ in the last bit between machines; three decimals do not.
fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn millionths(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn ranked(ballot: &Ballot) -> Vec<(&String, Votes)> {
    let mut ranked: Vec<_> = ballot.iter().map(|(value, votes)| (value, *votes)).collect();
    ranked.sort_by(|a, b| b.1.weight.cmp(&a.1.weight).then_with(|| a.0.cmp(b.0)));
    ranked
}

fn winner(ballot: &Ballot) -> Option<String> {
    ranked(ballot).first().map(|(value, _)| (*value).clone())
}

fn conflict(field: &str, ballot: &Ballot) -> Conflict {
    let value = |(value, votes): (&String, Votes)| ConflictValue {
        value: value.clone(),
        documents: votes.documents,
        confidence: votes.weight as f64 / 1000.0,
    };
    Conflict { field: field.to_owned(), values: ranked(ballot).into_iter().map(value).collect() }
}
