//! Judgement of terms and definitions that somebody else gave, by rules that cost nothing.

use super::definitions::definitions;
use super::language::language;
use super::spelling::fold;
use super::terms::{key_form, singular_form};
use super::word_sets::word_sets;

/// Most words of a term: what is longer is a sentence.
const LONGEST_TERM: usize = 8;

/// Words from which on a term that ends as sentences do is one.
const SENTENCE: usize = 4;

/// English pronouns that are no stop words to everybody.
const PRONOUNS: &str = "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers \
    herself it its itself they them their theirs themselves this that these those who whom whose which what one ones someone something \
    anyone anything everyone everything nobody nothing none there here";

/// Reason for which a term is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTerm {
    /// All its words are stop words or pronouns.
    StopWords,
    /// It is a whole sentence.
    Sentence,
}

/// Reason for which what somebody gives for a term of a text in this language (a BCP 47 tag) is none, if it is none.
pub fn no_term(term: &str, language_tag: Option<&str>) -> Option<NoTerm> {
    let folded = fold(term);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect();
    let language = language(language_tag);
    let sets = word_sets(&language);
    let is_stop =
        |word: &&str| sets.stops.contains(word) || (language == "en" && PRONOUNS.split(' ').any(|p| p == *word));
    // The letters of "U.S." are no words.
    let are_initials = words.len() > 1 && words.iter().all(|word| word.chars().count() == 1);
    if !words.is_empty() && !are_initials && words.iter().all(is_stop) {
        return Some(NoTerm::StopWords);
    }
    let ends = term.trim_end().ends_with(['.', '!', '?', ';', '…']);
    (words.len() > LONGEST_TERM || (ends && words.len() >= SENTENCE)).then_some(NoTerm::Sentence)
}

/// Test whether a sentence has the form of a definition of this term: "X is a ...", "... called X", "X: ...".
pub fn defines(sentence: &str, term: &str) -> bool {
    let wanted = key_form(term);
    definitions(sentence).iter().any(|found| key_form(found.term.of(sentence)) == wanted)
}

/// Test whether a term stands in a sentence as words of its own, in the singular or plural.
pub fn stands_in(sentence: &str, term: &str) -> bool {
    let term = singular_form(term);
    !term.is_empty() && format!(" {} ", singular_form(sentence)).contains(&format!(" {term} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_pronouns_and_sentences_are_no_terms() {
        for term in ["It", "the", "those who", "They", "What is", "himself"] {
            assert_eq!(no_term(term, Some("en")), Some(NoTerm::StopWords), "{term}");
        }
        for term in ["I was not able to come sooner.", "The keeper of the ninth gate wakes at dusk and counts"] {
            assert_eq!(no_term(term, None), Some(NoTerm::Sentence), "{term}");
        }
        for term in ["wyrm", "Salt Lantern", "Cone of Cold", "The Who Song", "Dr. Ash", "hit points", "U.S."] {
            assert_eq!(no_term(term, Some("en-GB")), None, "{term}");
        }
        assert_eq!(no_term("nicht", Some("de")), Some(NoTerm::StopWords));
        assert_eq!(no_term("Glocke", Some("de")), None);
    }

    #[test]
    fn a_sentence_defines_a_term_or_speaks_of_it_or_of_another() {
        assert!(defines("A cantrip is a spell that can be cast at will.", "Cantrips"));
        assert!(!defines("A cantrip is a spell that can be cast at will.", "spell"));
        assert!(!defines("It was meant to keep the drowned out.", "It"));
        assert!(stands_in("Salt moths eat wool.", "salt moth") && !stands_in("The mothership sank.", "moth"));
    }
}
