//! Sets of words of a language, made once in a process: a sentence is looked at in a few microseconds, and its language's lists have
//! more than a thousand words.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::tokenize::FUNCTION_WORDS;

/// Words of a language that are no terms.
#[derive(Debug, Default)]
pub(super) struct WordSets {
    /// Words that say nothing of a text's subject.
    pub(super) stops: HashSet<&'static str>,
    /// Words that join others; all stop words where no list is known.
    pub(super) functions: HashSet<&'static str>,
}

static MADE: LazyLock<RwLock<BTreeMap<String, Arc<WordSets>>>> = LazyLock::new(RwLock::default);

/// The sets of a language, by the code that [`language`](super::language::language) gives; empty ones for a language without a list.
pub(super) fn word_sets(language: &str) -> Arc<WordSets> {
    if let Some(made) = MADE.read().unwrap_or_else(PoisonError::into_inner).get(language) {
        return Arc::clone(made);
    }
    // A language without a list is not kept: a book may name any.
    let Some(listed) = stop_words::lookup(language) else { return Arc::default() };
    let stops: HashSet<&'static str> = listed.iter().copied().collect();
    let functions = if language == "en" { FUNCTION_WORDS.split_whitespace().collect() } else { stops.clone() };
    let mut made = MADE.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(made.entry(language.to_owned()).or_insert_with(|| Arc::new(WordSets { stops, functions })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_one_pair_of_sets_and_one_without_a_list_has_none() {
        let (first, second) = (word_sets("de"), word_sets("de"));
        assert!(Arc::ptr_eq(&first, &second) && first.stops.contains("und") && first.functions.contains("und"));
        assert!(word_sets("en").functions.len() < word_sets("en").stops.len());
        assert!(word_sets("xx").stops.is_empty());
    }
}
