//! Facts about a term that the places where it stands show.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::candidates::{Candidate, Found};
use super::definitions::{self, Pattern};
use super::names::Signs;
use super::tokenize::{Line, Tokens};
use corpora_values::{ParsedDocument, Span};

/// A place where a term stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    span: Span,
    /// It is a line of its own there.
    own: bool,
    /// A sentence stands around it that is more than the term.
    telling: bool,
}

/// Facts that the occurrences of a chosen term show.
#[derive(Debug, Clone, Default)]
pub(super) struct Uses<'a> {
    places: Vec<Place>,
    forms: BTreeMap<Cow<'a, str>, u32>,
    definition: Option<(Pattern, Span)>,
    /// Occurrences as "X: ...".
    glosses: u32,
    /// Signs of the kind of a name.
    signs: Signs,
    /// Whole occurrences right after an article or another determiner.
    determined: u32,
    /// Whole occurrences right after "to" or a modal verb.
    verbal: u32,
}

/// Words around a term that make its sentence a telling one.
const TELLING: usize = 4;

/// Most headings among the places that are kept.
const MOST_TITLES: usize = 3;

impl<'a> Uses<'a> {
    /// Takes in an occurrence.
    pub(super) fn add(&mut self, document: &'a ParsedDocument, tokens: &Tokens, line: &Line, found: Found) {
        let text = &document.text;
        let words = &tokens.words[found.first..found.first + found.length];
        let span = Span { start: words[0].start, end: words[words.len() - 1].end };
        let telling = !line.own && !line.heading && line.words.len() >= found.length + TELLING;
        self.places.push(Place { span, own: found.own || line.own, telling });
        *self.forms.entry(display(span.of(text))).or_default() += 1;
        if !found.whole {
            return;
        }
        self.signs.add(tokens, line, found);
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

    /// Takes in a place of the term's abbreviation.
    pub(super) fn add_abbreviation(&mut self, tokens: &Tokens, line: &Line, found: Found) {
        let words = &tokens.words[found.first..found.first + found.length];
        let span = Span { start: words[0].start, end: words[words.len() - 1].end };
        let telling = !line.own && !line.heading && line.words.len() > TELLING;
        self.places.push(Place { span, own: false, telling });
    }

    /// The sentence that defines the term by its form, the earliest of the surest kind.
    pub(super) fn definition(&self) -> Option<Span> {
        let label = self.glosses > definitions::MOST_GLOSSES;
        self.definition.filter(|(pattern, _)| *pattern != Pattern::Colon || !label).map(|(_, sentence)| sentence)
    }

    /// The places to keep, in text order: where the term is defined, some of its headings, then telling sentences and others spread over
    /// the text.
    pub(super) fn chosen(mut self, definition: Option<Span>, most: usize) -> Vec<Span> {
        self.places.sort_by_key(|place| place.span);
        self.places.dedup_by_key(|place| place.span);
        if self.places.len() <= most {
            return self.places.into_iter().map(|place| place.span).collect();
        }
        let mut chosen: Vec<Span> = Vec::with_capacity(most);
        let defining =
            |place: &&Place| definition.is_some_and(|d| d.start <= place.span.start && place.span.end <= d.end);
        let titles = self.places.iter().filter(|place| place.own).take(MOST_TITLES);
        let first = self.places.iter().find(defining).into_iter().chain(titles);
        for place in first {
            if chosen.len() < most && !chosen.contains(&place.span) {
                chosen.push(place.span);
            }
        }
        for wanted in [true, false] {
            let rest: Vec<Span> = self
                .places
                .iter()
                .filter(|place| place.telling == wanted && !chosen.contains(&place.span))
                .map(|place| place.span)
                .collect();
            let room = most - chosen.len();
            if rest.len() <= room {
                chosen.extend(rest);
            } else {
                chosen.extend((0..room).map(|n| rest[n * rest.len() / room]));
            }
        }
        chosen.sort();
        chosen
    }

    /// The commonest surface form that is not all in capitals, if there is one; of equally common ones the first in byte order.
    pub(super) fn commonest_form(&self) -> String {
        let shouts = |form: &str| {
            let letters = || form.chars().filter(|c| c.is_alphabetic());
            letters().count() > 4 && letters().all(|c| !c.is_lowercase())
        };
        let commonest = self
            .forms
            .iter()
            .max_by(|a, b| shouts(b.0).cmp(&shouts(a.0)).then_with(|| a.1.cmp(b.1)).then_with(|| b.0.cmp(a.0)));
        commonest.map(|(form, _)| form.clone().into_owned()).unwrap_or_default()
    }

    /// The kind that a name's uses show.
    pub(super) fn kind_of_name(&self, tokens: &Tokens, candidate: &Candidate) -> Option<&'static str> {
        self.signs.kind(tokens, candidate)
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
