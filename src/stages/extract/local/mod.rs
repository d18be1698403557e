//! The embedded provider: needs no key and no network, and never invents.

mod background;
mod candidates;
mod definitions;
mod rank;
mod tokenize;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::candidates::{Candidates, Found};
use self::definitions::Pattern;
use self::tokenize::{Line, Tokens};
use super::TermSettings;
use crate::values::{Evidence, Extraction, Item, ParsedDocument, Span};

/// Version of the local provider's output.
pub const VERSION: u32 = 1;

/// Most words of a term that [`definitions`] finds.
const LONGEST_DEFINED: usize = 5;

/// Finds and ranks a document's terms.
///
/// Candidates are runs of words between stop words, lines that are nothing else, and capitalised names with particles
/// inside ("Cone of Cold"). They are ranked by frequency, capitals inside sentences, own lines, how often they stand
/// alone, and how much commoner their words are here than in ordinary English prose. Inflections of the last word and
/// differences of case count as one term, shown in its commonest form. Languages other than English get their stop words
/// but neither word counts nor plural rules; of scripts without spaces, only runs that can be told apart without a
/// dictionary are taken. The result depends on the document and the settings alone.
pub fn terms(document: &ParsedDocument, settings: &TermSettings) -> Extraction {
    let tokens = tokenize::tokenize(document);
    let mut candidates = Candidates::collect(&tokens, &document.text, settings.max_words.max(1));
    let weirdness = rank::weirdness(&tokens);
    let dropped = candidates.redundant(&tokens);
    let mut ranked: Vec<(u32, rank::Marks)> = (0_u32..)
        .zip(&candidates.all)
        .filter(|(id, c)| !dropped[*id as usize] && c.frequency > 0 && (c.whole > 0 || c.frequency > 1))
        .map(|(id, c)| (id, rank::marks(c, &tokens, &weirdness)))
        .collect();
    ranked.sort_by(|a, b| {
        let words = |id: u32| candidates.all[id as usize].words.iter().map(|&w| &*tokens.vocabulary[w as usize].text);
        b.1.score.total_cmp(&a.1.score).then_with(|| words(a.0).cmp(words(b.0)))
    });
    let total = ranked.len();
    ranked.truncate(keep(settings, tokens.words.len()));
    let mut places = vec![None; candidates.all.len()];
    for (rank, (id, _)) in ranked.iter().enumerate() {
        places[*id as usize] = Some(rank);
    }
    let mut uses: Vec<Uses<'_>> = vec![Uses::default(); ranked.len()];
    candidates.occurrences(&tokens, |line, found| {
        if let Some(rank) = places[found.candidate as usize] {
            uses[rank].add(document, &tokens, line, found, settings.max_occurrences);
        }
    });
    let items = ranked.iter().zip(uses).enumerate().map(|(rank, ((id, marks), uses))| {
        let candidate = &candidates.all[*id as usize];
        Item {
            text: uses.commonest_form(),
            canonical: spell(&tokens, &candidate.words),
            pos: uses.word_class(&tokens, candidate.words.len()).map(str::to_owned),
            definition: uses.definition(),
            confidence: round(1.0 - rank as f64 / total as f64),
            occurrences: uses.spans,
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

/// What the occurrences of a chosen term show.
#[derive(Debug, Clone, Default)]
struct Uses<'a> {
    spans: Vec<Span>,
    forms: BTreeMap<Cow<'a, str>, u32>,
    definition: Option<(Pattern, Span)>,
    /// Occurrences as "X: ...".
    glosses: u32,
    /// Whole occurrences right after an article or another determiner.
    determined: u32,
    /// Whole occurrences right after "to" or a modal verb.
    verbal: u32,
}

impl<'a> Uses<'a> {
    fn add(&mut self, document: &'a ParsedDocument, tokens: &Tokens, line: &Line, found: Found, most: usize) {
        let text = &document.text;
        let words = &tokens.words[found.first..found.first + found.length];
        let span = Span { start: words[0].start, end: words[words.len() - 1].end };
        if self.spans.len() < most {
            self.spans.push(span);
        }
        *self.forms.entry(display(span.of(text))).or_default() += 1;
        if !found.whole {
            return;
        }
        if self.definition.is_none_or(|(known, _)| known > Pattern::Copula)
            && let Some(pattern) = definitions::pattern(tokens, text, line, found.first, found.length)
        {
            self.glosses += u32::from(pattern == Pattern::Colon);
            if self.definition.is_none_or(|(known, _)| pattern < known) {
                self.definition = Some((pattern, definitions::sentence(tokens, text, line, found.first)));
            }
        }
        if found.first > line.words.start && words[0].adjoins {
            match &*tokens.entry(found.first - 1).text {
                "a" | "an" | "the" | "this" | "that" | "these" | "those" | "each" | "every" | "any" | "his" | "her"
                | "its" | "your" | "my" | "our" | "their" | "of" => self.determined += 1,
                "to" | "can" | "could" | "will" | "would" | "must" | "may" | "might" | "shall" | "should"
                | "cannot" => self.verbal += 1,
                _ => {}
            }
        }
    }

    fn definition(&self) -> Option<Span> {
        let label = self.glosses > definitions::MOST_GLOSSES;
        self.definition.filter(|(pattern, _)| *pattern != Pattern::Colon || !label).map(|(_, sentence)| sentence)
    }

    /// The commonest surface form; of equally common ones the first in byte order.
    fn commonest_form(&self) -> String {
        let commonest = self.forms.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        commonest.map(|(form, _)| form.clone().into_owned()).unwrap_or_default()
    }

    /// The word class, told from the words before it, where they agree.
    fn word_class(&self, tokens: &Tokens, words: usize) -> Option<&'static str> {
        if !tokens.english {
            None
        } else if self.determined >= 2 && self.determined >= 4 * self.verbal {
            Some("noun")
        } else if words == 1 && self.verbal >= 3 && self.verbal >= 4 * self.determined {
            Some("verb")
        } else {
            None
        }
    }
}

/// How many terms of a text with `words` words are kept.
fn keep(settings: &TermSettings, words: usize) -> usize {
    let share = (settings.per_thousand_words * words as f64 / 1000.0) as usize;
    share.max(settings.minimum).min(settings.maximum)
}

/// A surface form on one line.
fn display(surface: &str) -> Cow<'_, str> {
    let plain = |c: char| c == ' ' || !(c.is_whitespace() || c == '\u{ad}');
    if surface.chars().all(plain) && !surface.contains("  ") {
        return Cow::Borrowed(surface);
    }
    Cow::Owned(surface.replace('\u{ad}', "").split_whitespace().collect::<Vec<_>>().join(" "))
}

fn spell(tokens: &Tokens, words: &[u32]) -> String {
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
    definitions::find(passage)
}
