//! Forms of one word. A form is joined with another only where that other one is known to be a word: because it stands in the same text, or,
//! in English, because ordinary prose has it. So no form is made up, in any language, and no dictionary is needed.

use super::word_sets::word_sets;
use corpora_values::english::per_million;

/// An ending, and what stands in its place in the form that it comes from.
type Rule = (&'static str, &'static str);

/// English plurals, Latin and Greek ones among them, the surer rule first.
const ENGLISH: [Rule; 24] = [
    ("smen", "sman"),
    ("women", "woman"),
    ("ives", "ife"),
    ("ves", "f"),
    ("ves", "ve"),
    ("ves", "fe"),
    ("ies", "y"),
    ("ies", "ie"),
    ("ices", "ix"),
    ("ices", "ex"),
    ("ices", "ice"),
    ("ses", "sis"),
    ("xes", "xis"),
    ("es", "e"),
    ("sses", "ss"),
    ("es", ""),
    ("s", ""),
    ("i", "us"),
    ("a", "um"),
    ("a", "on"),
    ("ae", "a"),
    ("men", "man"),
    ("mata", "ma"),
    ("eaux", "eau"),
];

/// English plurals that no ending shows. Those that are verbs as well ("leaves", "lives") are left out.
const IRREGULAR: [(&str, &str); 12] = [
    ("wolves", "wolf"),
    ("knives", "knife"),
    ("wives", "wife"),
    ("hooves", "hoof"),
    ("men", "man"),
    ("children", "child"),
    ("mice", "mouse"),
    ("lice", "louse"),
    ("geese", "goose"),
    ("feet", "foot"),
    ("teeth", "tooth"),
    ("oxen", "ox"),
];

const GERMAN: [Rule; 9] =
    [("sses", "ss"), ("es", ""), ("en", ""), ("ern", ""), ("er", ""), ("em", ""), ("e", ""), ("n", ""), ("s", "")];
const FRENCH: [Rule; 4] = [("aux", "al"), ("aux", "au"), ("s", ""), ("x", "")];
const SPANISH: [Rule; 4] = [("ces", "z"), ("iones", "ión"), ("es", ""), ("s", "")];
const PORTUGUESE: [Rule; 6] = [("ões", "ão"), ("ães", "ão"), ("ais", "al"), ("ns", "m"), ("es", ""), ("s", "")];
const ITALIAN: [Rule; 5] = [("chi", "co"), ("ghi", "go"), ("i", "o"), ("i", "e"), ("e", "a")];
const DUTCH: [Rule; 5] = [("ën", "e"), ("en", ""), ("n", ""), ("'s", ""), ("s", "")];
const SCANDINAVIAN: [Rule; 8] =
    [("erna", ""), ("arna", ""), ("ene", ""), ("en", ""), ("et", ""), ("er", ""), ("ar", ""), ("e", "")];

fn rules(language: &str) -> &'static [Rule] {
    match language {
        "en" => &ENGLISH,
        "de" => &GERMAN,
        "fr" => &FRENCH,
        "es" | "ca" => &SPANISH,
        "pt" => &PORTUGUESE,
        "it" => &ITALIAN,
        "nl" | "af" => &DUTCH,
        "sv" | "da" | "no" => &SCANDINAVIAN,
        _ => &[],
    }
}

/// Letters that stay of a word, at least.
const SHORTEST: usize = 3;

/// The forms of which a folded word may be an inflection by the rules of a language, the likeliest first.
fn candidates(word: &str, language: &str) -> impl Iterator<Item = String> {
    let irregular = IRREGULAR.iter().filter(move |(many, _)| language == "en" && *many == word);
    let made: Vec<String> = irregular
        .map(|(_, one)| (*one).to_owned())
        .chain(rules(language).iter().filter_map(|(ending, instead)| {
            let stem = word.strip_suffix(ending)?;
            let doubled = *ending == "s" && language == "en" && stem.ends_with(['s', 'u', 'i']);
            let letters = stem.chars().count() + instead.chars().count();
            (letters >= SHORTEST && !doubled && !stem.is_empty()).then(|| format!("{stem}{instead}"))
        }))
        .collect();
    let umlauts: Vec<String> = match language {
        "de" => made.iter().filter_map(|form| without_umlaut(form)).collect(),
        _ => Vec::new(),
    };
    made.into_iter().chain(umlauts)
}

/// A German form with the last umlaut undone: Häus, Haus.
fn without_umlaut(form: &str) -> Option<String> {
    let (at, umlaut) = form.char_indices().rev().find(|(_, c)| matches!(c, 'ä' | 'ö' | 'ü'))?;
    let plain = match umlaut {
        'ä' => 'a',
        'ö' => 'o',
        _ => 'u',
    };
    Some(format!("{}{plain}{}", &form[..at], &form[at + umlaut.len_utf8()..]))
}

/// The form of which a folded word is an inflection, among those that `is_attested` knows.
pub(super) fn attested(word: &str, language: &str, is_attested: impl Fn(&str) -> bool) -> Option<String> {
    candidates(word, language).find(|form| form != word && is_attested(form))
}

/// A word stays as it is where ordinary prose has it this many times as often as what it could come from ("species", "means").
const OF_ITS_OWN: f64 = 8.0;

/// The singular of an English word as ordinary prose knows it.
pub(super) fn known(word: &str) -> Option<String> {
    let own = per_million(word);
    let stops = &word_sets("en").stops;
    if own == 0.0 && is_regular(word) {
        // A word that no prose has is a book's own, and so is its plural.
        return Some(word[..word.len() - 1].to_owned());
    }
    candidates(word, "en").find(|form| {
        let rate = per_million(form);
        let is_other_word = stops.contains(form.as_str()) && !stops.contains(word);
        form != word && !is_other_word && rate > 0.0 && own < rate.max(1.0) * OF_ITS_OWN && form.chars().count() > 2
    })
}

/// Test whether a word ends as plurals do and hardly anything else: a consonant and an s.
fn is_regular(word: &str) -> bool {
    let stem = word.strip_suffix('s').filter(|stem| stem.is_ascii() && stem.len() > 2);
    stem.is_some_and(|stem| stem.ends_with(['b', 'c', 'd', 'f', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 't', 'v', 'w']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_joined_where_both_are_there_and_no_form_is_made_up() {
        let of = |language: &str, text: &str, word: &str| {
            attested(word, language, |form| text.split(' ').any(|w| w == form))
        };
        for (language, many, one) in [
            ("en", "heroes", "hero"),
            ("en", "matrices", "matrix"),
            ("en", "analyses", "analysis"),
            ("en", "axes", "axis"),
            ("en", "lenses", "lens"),
            ("en", "movies", "movie"),
            ("en", "bacteria", "bacterium"),
            ("en", "nuclei", "nucleus"),
            ("en", "larvae", "larva"),
            ("en", "criteria", "criterion"),
            ("en", "gases", "gas"),
            ("en", "dwarves", "dwarf"),
            ("en", "swordsmen", "swordsman"),
            ("de", "anlagen", "anlage"),
            ("de", "häuser", "haus"),
            ("de", "anschlüsse", "anschluss"),
            ("fr", "signaux", "signal"),
            ("es", "naciones", "nación"),
            ("pt", "nações", "nação"),
            ("it", "draghi", "drago"),
            ("nl", "draken", "drak"),
        ] {
            assert_eq!(of(language, one, many).as_deref(), Some(one), "{many}");
            assert_eq!(of(language, "", many), None, "{many} alone");
        }
        assert_eq!(of("en", "goddes virus analysi", "goddess"), None);
    }

    #[test]
    fn ordinary_prose_knows_plurals_and_words_of_their_own() {
        assert_eq!(known("horses").as_deref(), Some("horse"));
        assert_eq!(known("wyrmlings").as_deref(), Some("wyrmling"), "no prose has it");
        assert_eq!(known("dragons").as_deref(), Some("dragon"));
        // "News" is no plural of "new".
        for word in ["news", "species", "lens", "james", "horse", "always"] {
            assert_eq!(known(word), None, "{word}");
        }
    }
}
