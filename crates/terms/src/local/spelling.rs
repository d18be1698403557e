//! Spelling: forms in which words are compared.

use unicode_normalization::UnicodeNormalization;

/// Case-folded NFKC form.
pub(super) fn fold(surface: &str) -> String {
    if surface.is_ascii() {
        return surface.to_ascii_lowercase();
    }
    surface
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| *c != '\u{ad}')
        .map(|c| if c == '’' { '\'' } else { c })
        .collect()
}

/// Plurals that no rule of [`singular`] undoes. Those that are verbs as well ("leaves", "lives") are left out.
const IRREGULAR: [(&str, &str); 16] = [
    ("elves", "elf"),
    ("dwarves", "dwarf"),
    ("wolves", "wolf"),
    ("thieves", "thief"),
    ("knives", "knife"),
    ("wives", "wife"),
    ("shelves", "shelf"),
    ("calves", "calf"),
    ("hooves", "hoof"),
    ("men", "man"),
    ("women", "woman"),
    ("children", "child"),
    ("mice", "mouse"),
    ("geese", "goose"),
    ("feet", "foot"),
    ("teeth", "tooth"),
];

/// The singular by rules alone, not always a word: part of the keys under which answers stand in stores, and so never to be changed.
/// What people see is made by [`inflection`](super::inflection).
pub(super) fn singular(word: &str) -> Option<String> {
    let letters = word.chars().count();
    let cut = |n: usize| word[..word.len() - n].to_owned();
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == word) {
        return Some((*one).to_owned());
    }
    // Swordsmen, horsemen, werewolves; but omen, specimen, stamen.
    if letters > 5
        && ["smen", "semen", "rmen", "dmen", "tmen", "kmen", "nmen", "wmen", "hmen"].iter().any(|e| word.ends_with(e))
    {
        return Some(cut(3) + "man");
    }
    if letters > 6 && word.ends_with("wolves") {
        return Some(cut(3) + "f");
    }
    if letters > 4 && word.ends_with("ies") {
        Some(cut(3) + "y")
    } else if letters > 4 && ["ses", "xes", "ches", "shes"].iter().any(|e| word.ends_with(e)) {
        Some(cut(2))
    } else if letters > 3 && word.ends_with('s') && !["ss", "us", "is"].iter().any(|e| word.ends_with(e)) {
        Some(cut(1))
    } else {
        None
    }
}
