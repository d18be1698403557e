//! Names of people, places and groups: candidates whose capitals say so, and of what kind the text shows them to be.

use super::candidates::{Candidate, Found};
use super::tokenize::{Line, Tokens};

/// Words before a person's name.
const TITLES: &str = "mr mrs ms miss dr prof professor sir lady lord dame king queen prince princess duke duchess count countess baron baroness \
    captain colonel major general sergeant lieutenant father mother brother sister uncle aunt saint st president judge monsieur madame \
    mademoiselle herr frau signor signora señor señora don doña";

/// Verbs of speech and of what only people do.
const ACTS: &str = "said says asked asks cried replied answered laughed smiled nodded whispered exclaimed shouted muttered sighed thought spoke told \
    frowned shrugged wept";

/// Words before a place's name.
const PLACES: &str = "in at near from towards toward outside inside through across";

/// Last words of the names of places.
const PLACE_HEADS: &str = "river mount mountain lake sea island street road square castle bridge valley forest bay hill hills tower gate city town \
    village abbey county ocean desert coast vale";

/// Last words of the names of groups.
const GROUP_HEADS: &str = "guild order company society union party league army council church university college family clan house brotherhood \
    sisterhood association committee institute";

/// Uses of a single word as a name, at least.
const FEWEST: u32 = 2;

/// Test whether a candidate is a name: it has capitals in at least half of its uses inside sentences.
pub(super) fn is_name(candidate: &Candidate, tokens: &Tokens) -> bool {
    let words = candidate.words.len();
    if tokens.language == "de" {
        return candidate.capitalised >= candidate.lowercase && candidate.capitalised > 0;
    }
    let enough = if words == 1 { candidate.named >= FEWEST } else { candidate.named >= 1 };
    enough && candidate.named >= candidate.lowercase
}

/// Signs of the kind of a name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    person: u32,
    place: u32,
    uses: u32,
}

impl Signs {
    /// Takes in a use.
    pub(super) fn add(&mut self, tokens: &Tokens, line: &Line, found: Found) {
        let text = |at: usize| line.words.contains(&at).then(|| &*tokens.entry(at).text);
        let is_one = |list: &str, at: Option<usize>| {
            at.and_then(text).is_some_and(|word| list.split_whitespace().any(|w| w == word))
        };
        let before = found.first.checked_sub(1);
        let after = Some(found.first + found.length);
        self.uses += 1;
        self.person += u32::from(is_one(TITLES, before) || is_one(ACTS, after) || is_one(ACTS, before));
        self.place += u32::from(is_one(PLACES, before));
    }

    /// The kind that the signs show, where they agree.
    pub(super) fn kind(self, tokens: &Tokens, candidate: &Candidate) -> Option<&'static str> {
        let word = |at: Option<&u32>| at.map_or("", |&word| &*tokens.vocabulary[word as usize].text);
        let is_one = |list: &str, word: &str| list.split_whitespace().any(|w| w == word);
        let (first, last) = (word(candidate.words.first()), word(candidate.words.last()));
        if candidate.words.len() > 1 && is_one(GROUP_HEADS, last) {
            Some("group")
        } else if candidate.words.len() > 1 && is_one(TITLES, first) {
            Some("person")
        } else if candidate.words.len() > 1 && (is_one(PLACE_HEADS, last) || is_one(PLACE_HEADS, first)) {
            Some("place")
        } else if self.person > 0 && self.person >= self.place {
            Some("person")
        } else if self.place >= 2 && self.place * 3 >= self.uses {
            Some("place")
        } else {
            None
        }
    }
}
