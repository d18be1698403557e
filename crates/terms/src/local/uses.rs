//! Facts about a term that the places where it stands show.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::candidates::Found;
use super::definitions::{self, Pattern};
use super::tokenize::{Line, Tokens};
use corpora_values::{ParsedDocument, Span};

/// Facts that the occurrences of a chosen term show.
#[derive(Debug, Clone, Default)]
pub(super) struct Uses<'a> {
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
    /// Takes in an occurrence, its span only if fewer than `most` are kept.
    pub(super) fn add(
        &mut self,
        document: &'a ParsedDocument,
        tokens: &Tokens,
        line: &Line,
        found: Found,
        most: usize,
    ) {
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

    /// The sentence that defines the term, the earliest of the surest kind.
    pub(super) fn definition(&self) -> Option<Span> {
        let label = self.glosses > definitions::MOST_GLOSSES;
        self.definition.filter(|(pattern, _)| *pattern != Pattern::Colon || !label).map(|(_, sentence)| sentence)
    }

    /// The kept occurrences, in text order.
    pub(super) fn into_spans(self) -> Vec<Span> {
        self.spans
    }

    /// The commonest surface form; of equally common ones the first in byte order.
    pub(super) fn commonest_form(&self) -> String {
        let commonest = self.forms.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        commonest.map(|(form, _)| form.clone().into_owned()).unwrap_or_default()
    }

    /// The word class, told from the words before it, where they agree.
    pub(super) fn word_class(&self, tokens: &Tokens, words: usize) -> Option<&'static str> {
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

/// A surface form on one line.
pub(super) fn display(surface: &str) -> Cow<'_, str> {
    let plain = |c: char| c == ' ' || !(c.is_whitespace() || c == '\u{ad}');
    if surface.chars().all(plain) && !surface.contains("  ") {
        return Cow::Borrowed(surface);
    }
    Cow::Owned(surface.replace('\u{ad}', "").split_whitespace().collect::<Vec<_>>().join(" "))
}
