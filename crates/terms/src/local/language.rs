//! Language of a document, as far as stop words go.

use corpora_values::ParsedDocument;

/// Codes of three letters and of two for the same language, where there are stop words
/// (<https://www.loc.gov/standards/iso639-2/php/code_list.php>). Some languages have two codes of three letters.
const SHORT: [(&str, &str); 52] = [
    ("eng", "en"),
    ("deu", "de"),
    ("ger", "de"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("spa", "es"),
    ("ita", "it"),
    ("por", "pt"),
    ("nld", "nl"),
    ("dut", "nl"),
    ("rus", "ru"),
    ("pol", "pl"),
    ("swe", "sv"),
    ("dan", "da"),
    ("nob", "no"),
    ("nor", "no"),
    ("fin", "fi"),
    ("ces", "cs"),
    ("cze", "cs"),
    ("slk", "sk"),
    ("slo", "sk"),
    ("slv", "sl"),
    ("hun", "hu"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("bul", "bg"),
    ("hrv", "hr"),
    ("ukr", "uk"),
    ("ell", "el"),
    ("gre", "el"),
    ("tur", "tr"),
    ("heb", "he"),
    ("ara", "ar"),
    ("pes", "fa"),
    ("fas", "fa"),
    ("hin", "hi"),
    ("ben", "bn"),
    ("mar", "mr"),
    ("urd", "ur"),
    ("ind", "id"),
    ("vie", "vi"),
    ("tha", "th"),
    ("jpn", "ja"),
    ("kor", "ko"),
    ("zho", "zh"),
    ("cmn", "zh"),
    ("cat", "ca"),
    ("est", "et"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("afr", "af"),
    ("epo", "eo"),
];

/// The primary language of a BCP 47 tag, in two letters where it has them. "C" and "und" name none; English is the likeliest
/// guess then.
pub(super) fn language(tag: Option<&str>) -> String {
    let usable = |tag: &String| matches!(tag.len(), 2 | 3) && !matches!(tag.as_str(), "und" | "mul" | "mis" | "zxx");
    let primary = tag.and_then(|tag| tag.split(['-', '_', '.']).next()).map(str::to_lowercase);
    let primary = primary.filter(usable).unwrap_or_else(|| "en".to_owned());
    SHORT.iter().find(|(long, _)| *long == primary).map_or(primary, |(_, short)| (*short).to_owned())
}

/// The language of a document, if [`terms`](super::terms) knows nothing of it but its words: there is no list of its stop words.
pub fn unknown_language(document: &ParsedDocument) -> Option<String> {
    let language = language(document.metadata.language.as_deref());
    (language != "en" && stop_words::lookup(&language).is_none()).then_some(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_table_has_stop_words() {
        for (long, short) in SHORT {
            assert!(stop_words::lookup(short).is_some(), "{long}");
            assert_eq!(language(Some(long)), short);
        }
        assert_eq!(
            (language(Some("ger-AT")).as_str(), language(Some("C")).as_str(), language(None).as_str()),
            ("de", "en", "en")
        );
    }
}
