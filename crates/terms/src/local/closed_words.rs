//! Words that are no terms whatever a book is about: closed classes of grammar, and words of the calendar, of measures, of the web and of
//! the book as a thing. One list for all that judges words.

use corpora_values::roman;

/// Articles, determiners and quantifiers of English.
const DETERMINERS: &str = "a an the this that these those my your his her its our their whose each every either neither any some no all both \
    such what which whichever whatever much many more most less least few fewer several enough other another others own same";

/// Pronouns of English, old ones among them.
const PRONOUNS: &str = "i me mine myself we us ours ourselves you yours yourself yourselves he him himself she hers herself it itself they them \
    theirs themselves one oneself ones who whom whoever whomever somebody someone something anybody anyone anything everybody everyone \
    everything nobody nothing none thou thee thy thine thyself ye there here";

/// Prepositions of English.
const PREPOSITIONS: &str = "of in on at by to from with without within into onto upon over under above below beneath underneath between among amongst \
    amid amidst through throughout during before after against about across along alongside around behind beside besides beyond despite \
    except inside near off out outside per toward towards up down via for since until till unto versus regarding concerning notwithstanding \
    atop";

/// Conjunctions of English, and adverbs that join.
const CONJUNCTIONS: &str = "and or but nor so yet if then than as because while whilst when whenever where whereas wherever whereby wherein why how \
    whether though although unless lest once hence thus therefore however moreover furthermore nevertheless nonetheless otherwise";

/// Auxiliary verbs of English.
const AUXILIARIES: &str = "am is are was were be been being do does did done doing have has had having will would shall should can could may might \
    must ought cannot let";

/// Adverbs of English that no term begins or ends with.
const PARTICLES: &str = "not also only just very too quite rather almost ever never again already always often sometimes seldom somewhat \
    somehow somewhere anywhere everywhere nowhere anyway indeed instead perhaps maybe yes alas oh ah afterwards afterward hereby \
    thereby thereof therein meanwhile hither thither whither";

/// Further adverbs of English, which may begin a name ("Still Life").
const ADVERBS: &str = "still even else away back now soon well forth elsewhere together alone twice thrice like";

/// Numerals of English, and what counts with them. They may begin a name ("Second Wind") and are none alone.
const NUMERALS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen \
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion first second third fourth fifth \
    sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth \
    twentieth half halves dozen last next former latter";

/// Days and months of the languages that books here are mostly in. `march` and `may` are words of their own in English.
const CALENDAR: &str = "monday tuesday wednesday thursday friday saturday sunday january february april june july august september october november \
    december montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag januar jänner februar märz mai juni juli oktober dezember \
    lundi mardi mercredi jeudi vendredi samedi dimanche janvier février avril juin juillet août septembre octobre novembre décembre \
    lunes martes miércoles jueves viernes sábado domingo enero febrero abril mayo junio julio agosto septiembre octubre noviembre \
    diciembre lunedì martedì mercoledì giovedì venerdì sabato domenica gennaio febbraio aprile maggio giugno luglio settembre ottobre \
    dicembre maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari februari maart augustus segunda terça quarta quinta \
    sexta janeiro fevereiro março maio junho julho setembro outubro novembro dezembro";

/// Measures, as they follow numbers.
const UNITS: &str = "tsp tsps tbsp tbsps teaspoon teaspoons tablespoon tablespoons cup cups g kg mg gram grams ml cl dl l liter liters litre litres oz \
    ounce ounces lb lbs pound pounds pinch pint pints quart quarts gallon gallons inch inches in feet foot ft cm mm km m yard yards mile \
    miles meter meters metre metres kilometer kilometers kilometre kilometres percent hz khz mhz ghz kb mb gb tb kib mib gib ms sec secs \
    seconds minute minutes min mins hour hours hr hrs day days week weeks month months year years el tl stück esslöffel teelöffel";

/// Words of the web, of references and of the book as a thing.
const FURNITURE: &str = "http https www com org net html htm xhtml pdf epub ebook ebooks url isbn issn doi ibid et al etc eg ie cf vs pp vol vols ed eds \
    fig figs no nos ch colophon imprint uncopyright copyright titlepage halftitle endnote endnotes footnote footnotes acknowledgments \
    acknowledgements contents page pages chapter chapters figure figures table tables landmarks typo errata";

/// Titles of a book's furniture, of more than one word.
const FURNITURE_TITLES: [&str; 22] = [
    "table of contents",
    "list of figures",
    "list of tables",
    "list of illustrations",
    "title page",
    "half title",
    "copyright page",
    "all rights reserved",
    "further reading",
    "about the author",
    "about the authors",
    "project gutenberg",
    "standard ebooks",
    "distributed proofreaders",
    "internet archive",
    "creative commons",
    "public domain",
    "public domain dedication",
    "legal information",
    "table des matières",
    "inhaltsverzeichnis",
    "alle rechte vorbehalten",
];

/// English words that no term begins or ends with.
pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    [DETERMINERS, PRONOUNS, PREPOSITIONS, CONJUNCTIONS, AUXILIARIES, PARTICLES]
        .into_iter()
        .flat_map(str::split_whitespace)
}

/// Words that are no term alone, besides those of [`functions`].
pub(super) fn never_alone() -> impl Iterator<Item = &'static str> {
    [ADVERBS, NUMERALS, CALENDAR, UNITS, FURNITURE].into_iter().flat_map(str::split_whitespace)
}

/// Words of English that carry no meaning in a run of words, besides those of [`functions`].
pub(super) fn weak() -> impl Iterator<Item = &'static str> {
    [ADVERBS, NUMERALS].into_iter().flat_map(str::split_whitespace)
}

/// Test whether a folded word is a measure that follows a number.
pub(super) fn is_unit(word: &str) -> bool {
    word.len() <= 12 && UNITS.split_whitespace().any(|unit| unit == word)
}

/// Test whether folded words are a title of a book's furniture.
pub(super) fn is_furniture(words: &str) -> bool {
    FURNITURE_TITLES.contains(&words)
}

/// Test whether a folded word is a contraction of a verb: "I'm", "he'll", "didn't".
pub(super) fn is_contraction(word: &str) -> bool {
    let Some((before, after)) = word.rsplit_once('\'') else { return false };
    match after {
        "m" | "ll" | "re" | "ve" | "d" => true,
        "t" => before.ends_with('n'),
        "s" => {
            matches!(before, "he" | "she" | "it" | "that" | "there" | "here" | "what" | "who" | "where" | "how" | "let")
        }
        _ => false,
    }
}

/// Test whether a folded word can only be a Roman numeral: one below ninety, or a long one. "DC" and "MD" are more often something else.
pub(super) fn is_roman(word: &str) -> bool {
    let small = word.bytes().all(|b| matches!(b, b'i' | b'v' | b'x' | b'l'));
    let any = word.bytes().all(|b| matches!(b, b'i' | b'v' | b'x' | b'l' | b'c' | b'd' | b'm'));
    if word.is_empty() || !(small || (any && word.len() > 4)) {
        return false;
    }
    let value = |b: u8| match b {
        b'i' => 1_i32,
        b'v' => 5,
        b'x' => 10,
        b'l' => 50,
        b'c' => 100,
        b'd' => 500,
        _ => 1000,
    };
    // Written anew from its value, it has to come out the same.
    let bytes = word.as_bytes();
    let sum = bytes.iter().enumerate().fold(0_i32, |sum, (n, &b)| {
        let is_subtracted = bytes.get(n + 1).is_some_and(|&next| value(next) > value(b));
        if is_subtracted { sum - value(b) } else { sum + value(b) }
    });
    usize::try_from(sum).is_ok_and(|number| roman(number) == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roman_numerals_are_told_from_words_in_their_letters() {
        for word in ["i", "iv", "xii", "xxxix", "lxxx", "mdccc"] {
            assert!(is_roman(word), "{word}");
        }
        for word in ["", "iix", "ill", "civil", "mild", "dc", "md", "vivid", "xxxxx"] {
            assert!(!is_roman(word), "{word}");
        }
    }

    #[test]
    fn contractions_are_told_from_names() {
        for word in ["i'm", "he'll", "they've", "didn't", "it's", "we'd"] {
            assert!(is_contraction(word), "{word}");
        }
        for word in ["o'malley", "potter's", "d'artagnan", "king"] {
            assert!(!is_contraction(word), "{word}");
        }
    }
}
