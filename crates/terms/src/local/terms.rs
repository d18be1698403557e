//! Terms of a document, and the forms by which they are compared.

use corpora_values::{Evidence, Extraction, Item, ParsedDocument};

use super::candidates::Candidates;
use super::tokenize::{self, Tokens};
use super::uses::Uses;
use super::{TermSettings, rank, scripts, spelling};

/// Version of the local provider's output.
pub const VERSION: u32 = 2;

/// Finds and ranks a document's terms.
///
/// Candidates are runs of words between stop words, lines that are nothing else, and capitalised names with particles
/// inside ("Cone of Cold"). They are ranked by frequency, capitals inside sentences, own lines, how often they stand
/// alone, and how much commoner their words are here than in ordinary English prose. Inflections of the last word and
/// differences of case count as one term, shown in its commonest form. Languages other than English get their stop words
/// but neither word counts nor plural rules; of scripts without spaces, only runs that can be told apart without a
/// dictionary are taken. The result depends on the document and the settings alone.
pub fn terms(document: &ParsedDocument, settings: &TermSettings) -> Extraction {
    let tokens = tokenize::tokenize(document);
    let mut candidates = Candidates::collect(&tokens, &document.text, settings.max_words.max(1));
    let weirdness = rank::weirdness(&tokens);
    let dropped = candidates.redundant(&tokens);
    let mut ranked: Vec<(u32, rank::Marks)> = (0_u32..)
        .zip(&candidates.all)
        .filter(|(id, c)| !dropped[*id as usize] && c.frequency > 0 && (c.whole > 0 || c.frequency > 1))
        .map(|(id, c)| (id, rank::marks(c, &tokens, &weirdness)))
        .collect();
    ranked.sort_by(|a, b| {
        let words = |id: u32| candidates.all[id as usize].words.iter().map(|&w| &*tokens.vocabulary[w as usize].text);
        b.1.score.total_cmp(&a.1.score).then_with(|| words(a.0).cmp(words(b.0)))
    });
    let total = ranked.len();
    ranked.truncate(keep(settings, tokens.words.len()));
    let mut places = vec![None; candidates.all.len()];
    for (rank, (id, _)) in ranked.iter().enumerate() {
        places[*id as usize] = Some(rank);
    }
    let mut uses: Vec<Uses<'_>> = vec![Uses::default(); ranked.len()];
    candidates.occurrences(&tokens, |line, found| {
        if let Some(rank) = places[found.candidate as usize] {
            uses[rank].add(document, &tokens, line, found, settings.max_occurrences);
        }
    });
    let items = ranked.iter().zip(uses).enumerate().map(|(rank, ((id, marks), uses))| {
        let candidate = &candidates.all[*id as usize];
        Item {
            text: uses.commonest_form(),
            canonical: spell(&tokens, &candidate.words),
            pos: uses.word_class(&tokens, candidate.words.len()).map(str::to_owned),
            definition: uses.definition(),
            confidence: Some(round(1.0 - rank as f64 / total as f64)),
            occurrences: uses.into_spans(),
            evidence: Some(Evidence {
                frequency: candidate.frequency,
                own_line: candidate.own_line,
                capitalised: candidate.capitalised,
                stand_alone: round(marks.stand_alone),
                weirdness: round(marks.weirdness),
            }),
            ..Item::default()
        }
    });
    Extraction { items: items.collect() }
}

/// Number of terms that are kept of a text with `words` words.
fn keep(settings: &TermSettings, words: usize) -> usize {
    let share = (settings.per_thousand_words * words as f64 / 1000.0) as usize;
    share.max(settings.minimum).min(settings.maximum)
}

fn spell(tokens: &Tokens, words: &[u32]) -> String {
    words.iter().map(|&w| &*tokens.vocabulary[w as usize].text).collect::<Vec<_>>().join(" ")
}

/// The comparison form of an English term that somebody else wrote: as [`Item::canonical`] promises, and equal to what
/// [`terms`] gives for the same term.
pub fn canonical_form(term: &str) -> String {
    let folded = spelling::fold(term);
    let mut words = bare_words(&folded);
    let singular = words.last().and_then(|last| spelling::singular(last));
    if let (Some(last), Some(singular)) = (words.last_mut(), &singular) {
        *last = singular;
    }
    words.join(" ")
}

/// As [`canonical_form`], with every word in the singular: for finding a term inside another.
pub fn singular_form(term: &str) -> String {
    let folded = spelling::fold(term);
    let words = bare_words(&folded).into_iter();
    words.map(|word| spelling::singular(word).unwrap_or_else(|| word.to_owned())).collect::<Vec<_>>().join(" ")
}

/// The words of a folded text without the apostrophes around them and possessive endings.
fn bare_words(folded: &str) -> Vec<&str> {
    folded
        .split(|c: char| !scripts::is_word_character(c))
        .map(|word| word.trim_matches('\''))
        .map(|word| word.trim_end_matches("'s"))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Three decimals, so that output is equal on machines whose logarithms differ in the last bit.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{definitions, unknown_language, uses};
    use super::*;
    use corpora_values::{Block, BlockKind, Format, Metadata, Span};

    const ALL: TermSettings =
        TermSettings { per_thousand_words: 1e6, minimum: 0, maximum: usize::MAX, max_words: 5, max_occurrences: 100 };

    /// A document with one block a line: `#` a heading, `|` a table row, `~` a running head, anything else a paragraph.
    fn document(text: &str, language: Option<&str>) -> ParsedDocument {
        let mut blocks = Vec::new();
        let mut at = 0;
        for line in text.split('\n') {
            let kind = match line.as_bytes().first() {
                Some(b'#') => BlockKind::Heading(1),
                Some(b'|') => BlockKind::TableRow,
                Some(b'~') => BlockKind::Furniture,
                _ => BlockKind::Paragraph,
            };
            if !line.is_empty() {
                blocks.push(Block { kind, span: Span::new(at, at + line.len()), area: None });
            }
            at += line.len() + 1;
        }
        let metadata = Metadata { language: language.map(str::to_owned), ..Metadata::default() };
        ParsedDocument {
            format: Format::Epub,
            metadata,
            text: text.to_owned(),
            sections: vec![],
            blocks,
            outline: Vec::new(),
            page_marks: Vec::new(),
            markup: corpora_values::Markup::default(),
            notes: vec![],
        }
    }

    fn find<'a>(items: &'a Extraction, canonical: &str) -> Option<&'a Item> {
        items.items.iter().find(|i| i.canonical == canonical)
    }

    const RULES: &str = "# Magic Missile\n\
        You create three darts of force. A magic missile hits its target. Wizards who know Magic Missile fear nothing.\n\
        # Cone of Cold\n\
        A blast of cold air erupts from your hands. A goblin that is hit by a 4th-level cone of cold takes damage.\n\
        A goblin is a small creature that lives in caves. Goblins hate dogs. The goblin's den and the goblins' fires smell.\n\
        Dorothy and Toto met the goblin. Dorothy slept. Toto barked. Dorothy and Toto left. Then Dorothy ran. Toto ran.\n\
        | Half-orc | strong | Cone of Cold |\n\
        Half-orcs and half orcs are the same.";

    #[test]
    fn terms_are_grouped_shown_and_counted() {
        let document = document(RULES, None);
        let extraction = terms(&document, &ALL);
        let goblin = find(&extraction, "goblin").unwrap();
        assert_eq!(goblin.text, "goblin");
        let forms: Vec<_> = goblin.occurrences.iter().map(|s| s.of(RULES)).collect();
        assert_eq!(forms, ["goblin", "goblin", "Goblins", "goblin", "goblins", "goblin"]);
        assert_eq!(goblin.definition.unwrap().of(RULES), "A goblin is a small creature that lives in caves.");
        assert_eq!(goblin.pos.as_deref(), Some("noun"));
        let cone = find(&extraction, "cone of cold").unwrap();
        assert_eq!((cone.text.as_str(), cone.evidence.as_ref().unwrap().own_line), ("Cone of Cold", 2));
        assert_eq!(cone.occurrences.len(), 3);
        let missile = find(&extraction, "magic missile").unwrap().evidence.as_ref().unwrap();
        assert_eq!((missile.frequency, missile.own_line, missile.capitalised), (3, 1, 1));
        assert_eq!(find(&extraction, "half orc").unwrap().evidence.as_ref().unwrap().frequency, 3);
        let best: Vec<_> = extraction.items.iter().take(3).map(|i| i.canonical.as_str()).collect();
        assert!(best.contains(&"magic missile") && best.contains(&"cone of cold"), "{best:?}");
    }

    #[test]
    fn numbers_joins_and_fragments_are_no_terms() {
        let extraction = terms(&document(RULES, None), &ALL);
        for canonical in
            ["level", "th level", "dorothy and toto", "half", "orc", "cold takes damage", "of cold", "the goblin"]
        {
            assert!(find(&extraction, canonical).is_none(), "{canonical}");
        }
        assert!(find(&extraction, "dorothy").is_some() && find(&extraction, "toto").is_some());
    }

    #[test]
    fn the_canonical_form_joins_what_differs_in_case_number_hyphens_and_possessives() {
        for (term, canonical) in [
            ("Half-Orcs", "half orc"),
            ("Half-Elves", "half elf"),
            ("Werewolves", "werewolf"),
            ("the Horsemen", "the horseman"),
            ("omen", "omen"),
            ("specimen", "specimen"),
            ("Hunter’s Marks", "hunter mark"),
            ("thieves' tools", "thieves tool"),
            ("Dwarves", "dwarf"),
            ("the ﬁre", "the fire"),
            ("बातें करना", "बातें करना"),
            (" ’ - ", ""),
        ] {
            assert_eq!(canonical_form(term), canonical);
        }
        let rules = "Use thieves' tools. Hunter's Mark is a spell.";
        let extraction = terms(&document(rules, None), &ALL);
        assert!(find(&extraction, "thieves tool").is_some() && find(&extraction, "hunter mark").is_some());
    }

    #[test]
    fn as_many_terms_are_kept_as_the_settings_say() {
        let document = document(RULES, None);
        let all = terms(&document, &ALL).items;
        let some = |minimum, maximum| {
            terms(&document, &TermSettings { per_thousand_words: 50.0, minimum, maximum, ..ALL }).items
        };
        assert_eq!(some(0, 100).len(), tokenize::tokenize(&document).words.len() * 50 / 1000);
        assert_eq!(some(7, 100), all[..7]);
        assert_eq!(some(7, 5), all[..5]);
        assert_eq!(all[0].confidence, Some(1.0));
        let one = terms(&document, &TermSettings { max_occurrences: 1, ..ALL });
        let goblin = find(&one, "goblin").unwrap();
        assert_eq!((goblin.occurrences.len(), goblin.evidence.as_ref().unwrap().frequency), (1, 6));
    }

    #[test]
    fn labels_and_chapter_numbers_are_no_part_of_terms() {
        let stats = ["Perception", "Stealth", "Arcana", "Insight", "Deception"];
        let text: String = (0..10)
            .map(|n| format!("Skills {} +4, {} +6\nChapter X{}\n", stats[n % 5], stats[(n + 1) % 5], "I".repeat(n % 3)))
            .collect();
        let extraction = terms(&document(&text, None), &ALL);
        assert!(find(&extraction, "perception").is_some());
        assert!(find(&extraction, "skills perception").is_none() && find(&extraction, "chapter xii").is_none());
    }

    #[test]
    fn other_languages_use_their_own_stop_words() {
        let german = "# Die Feuerkugel\nDer Zauberer wirft eine Feuerkugel auf den Drachen. Die Feuerkugel verbrennt den Drachen.";
        let extraction = terms(&document(german, Some("de-AT")), &ALL);
        assert_eq!(extraction.items[0].canonical, "feuerkugel");
        assert!(find(&extraction, "der zauberer").is_none() && find(&extraction, "den drachen").is_none());
        let hindi = "पुस्तकालय शहर में है। पुस्तकालय बड़ा है। हर सुबह पुस्तकालय खुलता है।";
        assert_eq!(find(&terms(&document(hindi, Some("hi")), &ALL), "पुस्तकालय").unwrap().occurrences.len(), 3);
        let arabic = "المكتبة كبيرة. تقع المكتبة في المدينة.";
        assert!(find(&terms(&document(arabic, Some("ar")), &ALL), "المكتبة").is_some());
    }

    #[test]
    fn seven_languages_have_stop_words_and_others_are_said() {
        for (language, text, term, stops) in [
            (
                "de",
                "Der Drache schläft. Die Ritter fürchten den Drachen, denn der Drache ist sehr alt.",
                "drache",
                "der drache",
            ),
            (
                "fr",
                "Le dragon dort. Les chevaliers craignent le dragon, car le dragon est dans la tour.",
                "dragon",
                "le dragon",
            ),
            (
                "es",
                "El dragón duerme. Los caballeros temen que el dragón despierte para la guerra.",
                "dragón",
                "el dragón",
            ),
            ("it", "Il drago dorme. I cavalieri temono che il drago si svegli nella torre.", "drago", "il drago"),
            ("pt", "O dragão dorme. Os cavaleiros temem que o dragão acorde para a guerra.", "dragão", "o dragão"),
            ("nl", "De draak slaapt. De ridders vrezen dat de draak in de toren wakker wordt.", "draak", "de draak"),
            ("en", "The dragon sleeps. The knights fear that the dragon wakes in the tower.", "dragon", "the dragon"),
        ] {
            let document = document(text, Some(language));
            let extraction = terms(&document, &ALL);
            assert!(find(&extraction, term).is_some() && find(&extraction, stops).is_none(), "{language}");
            assert_eq!(unknown_language(&document), None, "{language}");
        }
        assert_eq!(unknown_language(&document("Xyz", Some("tlh-Latn"))).as_deref(), Some("tlh"));
        assert_eq!(unknown_language(&document("Xyz", Some("und"))), None);
    }

    #[test]
    fn running_heads_give_no_terms() {
        let text = "~ The Salt Road\nA wyrm sleeps.\n~ The Salt Road\nThe wyrm wakes.\n~ Page 3";
        let extraction = terms(&document(text, None), &ALL);
        assert!(find(&extraction, "wyrm").is_some());
        assert!(extraction.items.iter().all(|i| !i.canonical.contains("road") && i.canonical != "page"));
    }

    #[test]
    fn text_without_spaces_gives_few_terms_rather_than_rubbish() {
        let chinese = "# 火球术\n图书馆位于城市的中心，周围是一片宽阔的广场。许多学生来到这里读《红楼梦》。";
        let found: Vec<_> = terms(&document(chinese, Some("zh")), &ALL).items.into_iter().map(|i| i.text).collect();
        assert_eq!(found, ["火球术", "红楼梦"]);
        let japanese = "魔法使いは図書館でドラゴンの本を読む。図書館は大きい。";
        let extraction = terms(&document(japanese, Some("ja")), &ALL);
        assert_eq!(find(&extraction, "図書館").unwrap().occurrences.len(), 2);
        assert!(find(&extraction, "ドラゴン").is_some());
    }

    #[test]
    fn a_line_of_many_words_takes_linear_time() {
        let text = "Red Dragon, the Blue Goblin of Bath, ".repeat(60_000);
        let started = std::time::Instant::now();
        assert!(find(&terms(&document(&text, None), &ALL), "red dragon").is_some());
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "Goblin",
            "goblins",
            "the",
            "of",
            " ",
            " ",
            " ",
            "-",
            "'s",
            "’",
            ". ",
            ", ",
            ": ",
            "\n",
            "\n# ",
            "\n| ",
            "4th",
            "d20",
            "é",
            "e\u{301}",
            "火球",
            "ドラゴン",
            "の",
            "किताब",
            "मंत्र",
            "كتاب",
            "👩‍👧",
            "\u{ad}",
            "called a",
            "is a",
            "X",
            "\t",
            "ß",
            "İ",
            "ﬁ",
        ]);
        prop::collection::vec(piece, 0..50).prop_map(|v| v.concat())
    }

    proptest! {
        #[test]
        fn terms_of_any_text_are_consistent(text in prop_oneof![pieces(), any::<String>()], language in prop::sample::select(vec![None, Some("C"), Some("fr"), Some("ja"), Some("xx")])) {
            let document = document(&text, language);
            let extraction = terms(&document, &ALL);
            prop_assert_eq!(&extraction, &terms(&document, &ALL));
            let mut seen = std::collections::BTreeSet::new();
            for item in &extraction.items {
                // Apostrophes that pile up ("s's's") have no one reading; single ones have a test of their own above.
                if language.is_none() && item.canonical.is_ascii() && !item.canonical.contains('\'') {
                    prop_assert_eq!(canonical_form(&item.text), item.canonical.clone());
                }
                prop_assert!(seen.insert(item.canonical.clone()), "twice: {}", item.canonical);
                prop_assert!(!item.text.trim().is_empty() && item.confidence.is_some_and(|c| (0.0..=1.0).contains(&c)));
                prop_assert!(item.occurrences.windows(2).all(|w| w[0] < w[1]));
                prop_assert!(item.occurrences.iter().any(|s| uses::display(s.of(&text)) == item.text));
                prop_assert_eq!(item.evidence.as_ref().unwrap().frequency as usize, item.occurrences.len());
            }
            for definition in definitions(&text) {
                prop_assert!(definition.sentence.start <= definition.term.start && definition.term.end <= definition.sentence.end);
            }
        }
    }
}
