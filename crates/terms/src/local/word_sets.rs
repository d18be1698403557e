//! Sets of words of a language, made once in a process: a sentence is looked at in a few microseconds, and its language's lists have
//! more than a thousand words.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::closed_words;

/// Words of a language that are no terms.
#[derive(Debug, Default)]
pub(super) struct WordSets {
    /// Words that say nothing of a text's subject.
    pub(super) stops: HashSet<&'static str>,
    /// Words that join others; all stop words where no closed classes are known.
    pub(super) functions: HashSet<&'static str>,
    /// Further words that are no term alone, though they may be part of one.
    pub(super) never_alone: HashSet<&'static str>,
}

impl WordSets {
    /// Test whether a folded word is no term alone.
    pub(super) fn is_weak(&self, word: &str) -> bool {
        self.functions.contains(word) || self.never_alone.contains(word) || NOTES.contains(&word)
    }
}

/// Words at the head of a paragraph that say what it is for.
const NOTES: [&str; 24] = [
    "note",
    "notes",
    "example",
    "examples",
    "tip",
    "warning",
    "caution",
    "hint",
    "important",
    "remark",
    "answer",
    "question",
    "solution",
    "exercise",
    "hinweis",
    "beispiel",
    "anmerkung",
    "achtung",
    "remarque",
    "exemple",
    "nota",
    "ejemplo",
    "esempio",
    "exemplo",
];

static MADE: LazyLock<RwLock<BTreeMap<String, Arc<WordSets>>>> = LazyLock::new(RwLock::default);

/// Two letters of a list of the world's languages are no word of English, and abbreviations in many books.
fn is_code(word: &str) -> bool {
    word.len() == 2 && word.is_ascii()
}

/// The sets of a language, by the code that [`language`](super::language::language) gives; hardly anything for a language without a list.
pub(super) fn word_sets(language: &str) -> Arc<WordSets> {
    if let Some(made) = MADE.read().unwrap_or_else(PoisonError::into_inner).get(language) {
        return Arc::clone(made);
    }
    let never_alone: HashSet<&'static str> = closed_words::never_alone().collect();
    // A language without a list is not kept: a book may name any.
    let Some(listed) = stop_words::lookup(language) else {
        return Arc::new(WordSets { never_alone, ..WordSets::default() });
    };
    let mut stops: HashSet<&'static str> = listed.iter().copied().collect();
    let functions = if language == "en" {
        let functions: HashSet<&'static str> = closed_words::functions().collect();
        stops.retain(|word| !is_code(word));
        stops.extend(&functions);
        stops.extend(closed_words::weak());
        functions
    } else {
        stops.clone()
    };
    let mut made = MADE.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(made.entry(language.to_owned()).or_insert_with(|| Arc::new(WordSets { stops, functions, never_alone })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_one_set_of_each_and_one_without_a_list_has_hardly_any() {
        let (first, second) = (word_sets("de"), word_sets("de"));
        assert!(Arc::ptr_eq(&first, &second) && first.stops.contains("und") && first.functions.contains("und"));
        assert!(word_sets("en").functions.len() < word_sets("en").stops.len());
        assert!(word_sets("xx").stops.is_empty());
    }
}
