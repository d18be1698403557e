//! Terms that are known to belong to somebody: a list by franchise, and looking terms up in it.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::stages::extract::local::singular_form;
use crate::values::{Fingerprint, KeyWriter};

/// The list that ships with the program, written for it from general knowledge.
pub const BUILTIN_BLOCKLIST: &str = include_str!("../../../blocklists/franchises.json");

/// Version of the matching. Raised whenever the same list may flag other terms.
const VERSION: u64 = 1;

/// A blocklist that cannot be used. The file's name is the caller's to add.
#[derive(Debug, thiserror::Error)]
pub enum BlocklistError {
    /// It is not JSON.
    #[error("it is not JSON ({0}); write {{\"franchise\": [\"term\", ...], ...}}")]
    NotJson(serde_json::Error),
    /// It is JSON of another shape.
    #[error("it has another shape than {{\"franchise\": [\"term\", ...], ...}}: {0}")]
    Shape(serde_json::Error),
    /// It holds no term.
    #[error("it is empty; give at least one franchise with one term, or '--blocklist none' for no list")]
    Empty,
    /// A franchise without terms, or a term without a word.
    #[error("the franchise '{franchise}' {what}; give it terms that have letters, or take it out")]
    Blank {
        /// The franchise.
        franchise: String,
        /// "has no terms", or which term is blank.
        what: String,
    },
}

/// Terms by franchise, ready to be looked up: one automaton over all of them, so that a look-up takes time by the length
/// of what is looked up and not of the list.
#[derive(Debug, Clone)]
pub struct Blocklist {
    franchises: Vec<String>,
    /// Index into `franchises`, by pattern.
    owners: Vec<u32>,
    automaton: AhoCorasick,
    fingerprint: Fingerprint,
}

impl Blocklist {
    /// Reads a list: a JSON object of franchises, each with an array of terms. A franchise that stands twice has the terms
    /// of both.
    ///
    /// # Errors
    /// Fault of the list, and the place of it.
    pub fn parse(text: &str) -> Result<Self, BlocklistError> {
        let List(list) = serde_json::from_str(text).map_err(|e| match e.classify() {
            serde_json::error::Category::Data => BlocklistError::Shape(e),
            _ => BlocklistError::NotJson(e),
        })?;
        if list.is_empty() {
            return Err(BlocklistError::Empty);
        }
        let (mut franchises, mut owners, mut patterns) = (Vec::new(), Vec::new(), Vec::new());
        let mut key = KeyWriter::new("blocklist").number(VERSION);
        for (owner, (franchise, terms)) in (0_u32..).zip(list) {
            let blank = |what: String| BlocklistError::Blank { franchise: franchise.clone(), what };
            if terms.is_empty() || franchise.trim().is_empty() {
                return Err(blank(if terms.is_empty() { "has no terms".into() } else { "has no name".into() }));
            }
            let mut forms = terms
                .iter()
                .map(|term| match comparison_form(term) {
                    form if form.len() > 2 => Ok(form),
                    _ => Err(blank(format!("has the term '{term}', which has no word"))),
                })
                .collect::<Result<Vec<_>, _>>()?;
            forms.sort();
            forms.dedup();
            key = key.text(&franchise).number(forms.len() as u64);
            for form in forms {
                key = key.text(&form);
                let plurals = irregular_plurals(&form);
                owners.resize(owners.len() + 1 + plurals.len(), owner);
                patterns.extend(plurals);
                patterns.push(form);
            }
            franchises.push(franchise);
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .map_err(|e| BlocklistError::Shape(serde::de::Error::custom(e)))?;
        Ok(Self { franchises, owners, automaton, fingerprint: key.finish() })
    }

    /// Equal for lists that flag the same: layout, order, case and repetitions in the file do not count.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The franchise of a listed term that stands in `text` as whole words, whatever its case, number, possessive endings,
    /// hyphens and accents. Of several, that of the longest listed term; of equally long ones the first by name.
    pub fn franchise(&self, text: &str) -> Option<&str> {
        let form = comparison_form(text);
        self.automaton
            .find_overlapping_iter(&form)
            .map(|m| (std::cmp::Reverse(m.len()), self.owners[m.pattern().as_usize()]))
            .min()
            .map(|(_, owner)| self.franchises[owner as usize].as_str())
    }
}

/// Words in the singular without case and accents, a space before and after each, so that matches begin and end with words.
fn comparison_form(term: &str) -> String {
    let plain: String = term.nfd().filter(|c| !is_combining_mark(*c)).collect();
    format!(" {} ", singular_form(&plain))
}

/// Comparison forms of a listed term's plurals that the rules for the singular do not undo: "jedis", "elves", "cybermen".
fn irregular_plurals(form: &str) -> Vec<String> {
    let term = form.trim_end();
    let plurals = [Some(format!("{term}s")), swap(term, "f", "ves"), swap(term, "fe", "ves"), swap(term, "man", "men")];
    plurals.into_iter().flatten().map(|plural| comparison_form(&plural)).filter(|plural| plural != form).collect()
}

fn swap(term: &str, ending: &str, other: &str) -> Option<String> {
    Some(format!("{}{other}", term.strip_suffix(ending)?))
}

struct List(BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Franchises;
        impl<'de> Visitor<'de> for Franchises {
            type Value = List;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of franchises with arrays of terms")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List, A::Error> {
                let mut list: BTreeMap<String, Vec<String>> = BTreeMap::new();
                while let Some((franchise, terms)) = map.next_entry::<String, Vec<String>>()? {
                    list.entry(franchise).or_default().extend(terms);
                }
                Ok(List(list))
            }
        }
        from.deserialize_map(Franchises)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_number_phrases_hyphens_and_accents_do_not_matter_and_words_stay_whole() {
        let list = Blocklist::parse(
            r#"{"Caves": ["Mind Flayer", "orc", "moon elf"], "Stars": ["Cyberman", "X-Wing", "Pokémon", "Jedi", "Mind Flayer Lord"]}"#,
        )
        .unwrap();
        for (text, franchise) in [
            ("mind flayer", Some("Caves")),
            ("Elder Mind-Flayers' Lair", Some("Caves")),
            ("MIND FLAYERS", Some("Caves")),
            ("lords of the mind  flayer’s city", Some("Caves")),
            ("mind flayer lords", Some("Stars")),
            ("x wings", Some("Stars")),
            ("POKEMON trainer", Some("Stars")),
            ("Jedis", Some("Stars")),
            ("moon elves", Some("Caves")),
            ("Cybermen", Some("Stars")),
            ("mind flaying", None),
            ("torch", None),
            ("orchard", None),
            ("mind", None),
            ("flayer mind", None),
            ("mind the flayer", None),
            ("", None),
        ] {
            assert_eq!(list.franchise(text), franchise, "{text}");
        }
    }

    #[test]
    fn only_what_a_list_flags_is_in_its_fingerprint() {
        let of = |text: &str| Blocklist::parse(text).unwrap().fingerprint();
        let one = of(r#"{"A": ["Wyrms", "Elf"], "B": ["Orc"]}"#);
        assert_eq!(one, of("{\"B\": [\"orc\", \"Orcs\"],\n \"A\": [\"elf\"], \"A\": [\"wyrm\"]}"));
        assert_ne!(one, of(r#"{"A": ["Wyrms", "Elf"], "C": ["Orc"]}"#));
        assert_ne!(one, of(r#"{"A": ["Wyrms"], "B": ["Orc", "Elf"]}"#));
    }

    #[test]
    fn lists_that_cannot_be_used_say_why() {
        let error = |text: &str| Blocklist::parse(text).unwrap_err().to_string();
        assert!(error("franchise: terms").contains("not JSON"));
        assert!(error("").contains("not JSON"));
        assert!(error("{\"A\": [\"x\"").contains("not JSON"));
        assert!(error("[\"Jedi\"]").contains("another shape"));
        assert!(error("{\"A\": \"Jedi\"}").contains("another shape") && error("{\"A\": [1]}").contains("line 1"));
        assert!(error("{}").contains("is empty"));
        assert!(error("{\"A\": []}").contains("'A' has no terms"));
        assert!(error("{\"A\": [\" - \"]}").contains("' - ', which has no word"));
    }

    #[test]
    fn the_list_that_ships_can_be_used() {
        let list = Blocklist::parse(BUILTIN_BLOCKLIST).unwrap();
        assert_eq!(list.franchise("Jedi Knights"), Some("Star Wars"));
        for word in ["dragon", "goblin", "wizard", "magic missile", "the ring", "force", "ranger", "link", "vault"] {
            assert_eq!(list.franchise(word), None, "{word} is anybody's");
        }
    }

    #[test]
    fn a_hundred_thousand_entries_are_one_automaton() {
        let name = |n: usize| format!("{}{} warden", ["bal", "cor", "dun", "fel"][n % 4], n);
        let terms: Vec<String> = (0..100_000).map(name).collect();
        let list = Blocklist::parse(&serde_json::json!({"Big": terms}).to_string()).unwrap();
        assert!((0..100_000).step_by(997).all(|n| list.franchise(&format!("old {}s", name(n))) == Some("Big")));
        assert_eq!(list.franchise("bal1 warden"), None);
    }
}
