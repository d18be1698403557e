//! Terms that may be the same under another spelling: keys on which such spellings meet. Nothing is joined on them: a person decides.

use std::collections::BTreeSet;

use super::folded::folded;
use crate::stages::extract::local::singular_form;
use crate::values::MasterEntry;

/// Shortest key, in characters: of shorter words too many differ in a letter alone.
const SHORTEST: usize = 2;

/// The keys of a term: of its name, and of every form that documents give it.
pub fn variant_keys(entry: &MasterEntry) -> BTreeSet<String> {
    let forms =
        entry.variants.iter().map(|variant| &variant.text).chain([&entry.text, &entry.canonical]).chain(&entry.aliases);
    forms.map(|form| variant_key(form)).filter(|key| key.chars().count() >= SHORTEST).collect()
}

/// A form without what spellings differ in: number, case, accents, ligatures, spaces, hyphens, apostrophes, British and American endings.
fn variant_key(form: &str) -> String {
    folded(&singular_form(form)).replace('\'', "").split_whitespace().map(american).collect()
}

/// Endings of British spelling, with those of American spelling.
const ENDINGS: [(&str, &str); 10] = [
    ("our", "or"),
    ("tre", "ter"),
    ("bre", "ber"),
    ("ise", "ize"),
    ("yse", "yze"),
    ("isation", "ization"),
    ("ogue", "og"),
    ("dgement", "dgment"),
    ("ence", "ense"),
    ("elled", "eled"),
];

/// Letters of a word with such an ending, at least: "hour" and "four" have no other spelling.
const SHORTEST_WORD: usize = 5;

fn american(word: &str) -> String {
    let ending = ENDINGS.iter().find_map(|(british, other)| Some((word.strip_suffix(british)?, other)));
    match ending.filter(|_| word.chars().count() >= SHORTEST_WORD) {
        Some((stem, other)) => format!("{stem}{other}"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_meet_and_other_words_do_not() {
        for (one, other) in [
            ("armour", "Armor"),
            ("judgement", "judgment"),
            ("café", "cafe"),
            ("Ætherwine", "Aetherwine"),
            ("Fire Ball", "Fireball"),
            ("Wizard's Staff", "Wizards Staff"),
            ("Wizards’ Staff", "wizard staff"),
            ("e-mail", "email"),
            ("Mana Crystals", "mana crystal"),
            ("spirit centre", "Spirit Center"),
        ] {
            assert_eq!(variant_key(one), variant_key(other), "{one}, {other}");
        }
        for (one, other) in [("hour", "hor"), ("four", "for"), ("Salt Ward", "Salt Word")] {
            assert_ne!(variant_key(one), variant_key(other), "{one}, {other}");
        }
    }
}
