//! Terms of a document, and the forms by which they are compared.

use std::collections::BTreeMap;

use corpora_values::{DefinitionSource, Evidence, Extraction, Item, ParsedDocument, Span};

use super::candidates::Candidates;
use super::said::Said;
use super::tokenize::{self, Tokens};
use super::uses::Uses;
use super::{TermSettings, Wanted, definitions, inflection, names, rank, said, scripts, spelling};

/// Version of the local provider's output.
pub const VERSION: u32 = 4;

/// Finds and ranks a document's terms.
///
/// Candidates are runs of words between stop words, lines that are nothing else, capitalised names with particles inside ("Cone of
/// Cold"), and whatever the author declares or sets apart. What the book itself defines comes first; the others follow by frequency,
/// capitals inside sentences, own lines, how often they stand alone, how they cluster, and how much commoner their words are here than
/// in ordinary English prose. Inflections of the last word and differences of case count as one term, shown in its commonest form; a
/// phrase and the abbreviation that the text gives it are one. Languages other than English get their own stop words and inflections but no
/// word counts; of scripts without spaces, only runs that can be told apart without a dictionary are taken. The result depends on the
/// document and the settings alone.
pub fn terms(document: &ParsedDocument, settings: &TermSettings) -> Extraction {
    let mut found = Ranking::of(document, settings);
    found.cut(settings);
    Extraction { items: found.items(settings.max_occurrences) }
}

/// Finds the terms that a document itself defines, each with its definition: those of its own glossary, where it has one; else those that it
/// sets apart, and sentences with the form of a definition. Best first.
pub fn glossary(document: &ParsedDocument) -> Extraction {
    let settings = TermSettings {
        per_thousand_words: GLOSSARY_FROM,
        minimum: GLOSSARY_FEWEST,
        maximum: usize::MAX,
        sure_from: None,
        max_words: LONGEST_DEFINED,
        max_occurrences: GLOSSARY_PLACES,
        wanted: Wanted::Terms,
    };
    let mut found = Ranking::of(document, &settings);
    found.cut(&settings);
    let mut items = found.items(settings.max_occurrences);
    items.retain(|item| item.definition.is_some());
    let own = |item: &Item| item.definition_source == Some(DefinitionSource::Glossary);
    if items.iter().filter(|item| own(item)).count() >= OWN_GLOSSARY {
        items.retain(own);
    }
    Extraction { items }
}

/// Candidates among which definitions are looked for, in a thousand words: what is further down is seldom a term, and what is said of it
/// seldom a definition.
const GLOSSARY_FROM: f64 = 12.0;

/// Such candidates of a short text, at least.
const GLOSSARY_FEWEST: usize = 100;

/// Most words of a term that is defined.
const LONGEST_DEFINED: usize = 5;

/// Places that are kept of a defined term.
const GLOSSARY_PLACES: usize = 10;

/// Entries from which on a book's own glossary says what the book defines, and nothing else is taken for a definition.
const OWN_GLOSSARY: usize = 10;

/// A look is trusted to mark definitions from here on.
const TRUSTED: f64 = 0.5;

/// The candidates of a document in their order.
struct Ranking<'a> {
    document: &'a ParsedDocument,
    tokens: Tokens,
    said: Said,
    candidates: Candidates,
    manner: rank::Manner,
    wanted: Wanted,
    /// Best first.
    order: Vec<(u32, rank::Marks)>,
    /// Abbreviations with the phrases that they stand for.
    abbreviations: BTreeMap<u32, u32>,
}

impl<'a> Ranking<'a> {
    fn of(document: &'a ParsedDocument, settings: &TermSettings) -> Self {
        let tokens = tokenize::tokenize(document);
        let longest = settings.max_words.max(1);
        let said = Said::of(document, &tokens, longest);
        let mut candidates = Candidates::collect(&tokens, &document.text, longest, &said);
        let abbreviations = abbreviations(&tokens, &candidates, &said);
        for (&short, &phrase) in &abbreviations {
            candidates.join(short, phrase);
        }
        let manner = rank::Manner::of(&tokens, &candidates, &said);
        let dropped = candidates.redundant(&tokens);
        let mut order: Vec<(u32, rank::Marks)> = (0_u32..)
            .zip(&candidates.all)
            .filter(|(id, c)| !dropped[*id as usize] && c.frequency > 0 && (c.whole > 0 || c.frequency > 1))
            .map(|(id, c)| (id, rank::marks(c, &tokens, &manner, &said)))
            .collect();
        order.sort_by(|a, b| {
            let words =
                |id: u32| candidates.all[id as usize].words.iter().map(|&w| &*tokens.vocabulary[w as usize].text);
            b.1.score.total_cmp(&a.1.score).then_with(|| words(a.0).cmp(words(b.0)))
        });
        Self { document, tokens, said, candidates, manner, wanted: settings.wanted, order, abbreviations }
    }

    /// Leaves what the settings keep.
    fn cut(&mut self, settings: &TermSettings) {
        let of_text = (settings.per_thousand_words * self.tokens.words.len() as f64 / 1000.0) as usize;
        let most = of_text.max(settings.minimum);
        let mut rank = 0;
        let (candidates, said, tokens) = (&self.candidates, &self.said, &self.tokens);
        self.order.retain(|(id, marks)| {
            if settings.wanted == Wanted::Names && !names::is_name(&candidates.all[*id as usize], tokens) {
                return false;
            }
            rank += 1;
            let declared = candidates.all[*id as usize].declared.map(|n| said.declared[n].1.source);
            let sure = settings.sure_from.is_some_and(|from| round(marks.share()) >= from)
                || declared == Some(DefinitionSource::Glossary);
            rank <= settings.maximum && (rank <= most || sure)
        });
    }

    /// The items of what is left.
    fn items(&mut self, max_occurrences: usize) -> Vec<Item> {
        let document = self.document;
        let mut places = vec![None; self.candidates.all.len()];
        for (rank, (id, _)) in self.order.iter().enumerate() {
            places[*id as usize] = Some((rank, false));
        }
        for (short, phrase) in &self.abbreviations {
            places[*short as usize] = places[*phrase as usize].map(|(rank, _)| (rank, true));
        }
        let mut uses: Vec<Uses<'_>> = vec![Uses::default(); self.order.len()];
        let tokens = &self.tokens;
        self.candidates.occurrences(tokens, |line, found| match places[found.candidate as usize] {
            Some((rank, false)) => uses[rank].add(document, tokens, line, found),
            Some((rank, true)) => uses[rank].add_abbreviation(tokens, line, found),
            None => {}
        });
        let emphasised = self.emphasised();
        let aliases = self.aliases();
        let kinds = self.kinds();
        let items = self.order.iter().zip(uses).map(|((id, marks), uses)| {
            let candidate = &self.candidates.all[*id as usize];
            let declared = candidate.declared.map(|n| &self.said.declared[n].1).map(|d| (d.source, d.meaning));
            let set_apart = || emphasised.get(id).map(|&meaning| (DefinitionSource::Emphasis, meaning));
            let formed = || uses.definition().map(|sentence| (DefinitionSource::Pattern, sentence));
            let definition = declared.or_else(set_apart).or_else(formed);
            let meaning = definition.map(|(_, meaning)| meaning);
            Item {
                text: uses.commonest_form(),
                canonical: spell(tokens, &candidate.words),
                aliases: aliases.get(id).cloned().unwrap_or_default(),
                kind: match self.wanted {
                    Wanted::Terms => kinds.get(id).map(|&kind| kind.to_owned()),
                    Wanted::Names => uses.kind_of_name(tokens, candidate).map(str::to_owned),
                },
                pos: uses.word_class(tokens, candidate.words.len()).map(str::to_owned),
                definition: meaning,
                definition_source: definition.map(|(source, _)| source),
                score: Some(round(marks.share())),
                occurrences: uses.chosen(meaning, max_occurrences),
                evidence: Some(Evidence {
                    frequency: candidate.frequency,
                    own_line: candidate.own_line,
                    capitalised: candidate.capitalised,
                    emphasised: candidate.emphasised.iter().sum(),
                    stand_alone: round(marks.stand_alone),
                    weirdness: round(marks.weirdness),
                    dispersion: round(marks.dispersion),
                }),
                ..Item::default()
            }
        });
        items.collect()
    }

    /// The sentence round the first place at which a trusted look sets a candidate apart.
    fn emphasised(&self) -> BTreeMap<u32, Span> {
        let mut found = BTreeMap::new();
        for (run, look) in &self.said.emphasised {
            if self.manner.trust[*look as usize] < TRUSTED {
                continue;
            }
            let Some(line) = said::line_of(&self.tokens, run.0) else { continue };
            let Some(id) = self.candidates.of_run(&self.tokens, *run).and_then(|id| u32::try_from(id).ok()) else {
                continue;
            };
            found.entry(id).or_insert_with(|| definitions::sentence(&self.tokens, &self.document.text, line, run.0));
        }
        found
    }

    /// The kinds of things that headings name; a name of several kinds is of none.
    fn kinds(&self) -> BTreeMap<u32, &str> {
        let mut found: BTreeMap<u32, Option<&str>> = BTreeMap::new();
        for (run, kind) in &self.said.kinds {
            let Some(id) = self.candidates.of_run(&self.tokens, *run).and_then(|id| u32::try_from(id).ok()) else {
                continue;
            };
            let known = found.entry(id).or_insert(Some(kind));
            *known = known.filter(|known| known == kind);
        }
        found.into_iter().filter_map(|(id, kind)| Some((id, kind?))).collect()
    }

    /// The abbreviations of each phrase, as the text writes them.
    fn aliases(&self) -> BTreeMap<u32, Vec<String>> {
        let mut found: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (phrase, short) in &self.said.abbreviated {
            let ids = [phrase, short]
                .map(|run| self.candidates.of_run(&self.tokens, *run).and_then(|id| u32::try_from(id).ok()));
            let [Some(phrase), Some(short_id)] = ids else { continue };
            if self.abbreviations.get(&short_id) == Some(&phrase) {
                let word = self.tokens.words[short.0];
                let alias = self.document.text[word.start as usize..word.end as usize].to_owned();
                let known = found.entry(phrase).or_default();
                if !known.contains(&alias) {
                    known.push(alias);
                }
            }
        }
        found
    }
}

/// Abbreviations that stand for one phrase, by their candidates. What stands for several stands for none of them surely.
fn abbreviations(tokens: &Tokens, candidates: &Candidates, said: &Said) -> BTreeMap<u32, u32> {
    let mut found: BTreeMap<u32, Option<u32>> = BTreeMap::new();
    for (phrase, short) in &said.abbreviated {
        let ids = [short, phrase].map(|run| candidates.of_run(tokens, *run).and_then(|id| u32::try_from(id).ok()));
        let [Some(short), Some(phrase)] = ids else { continue };
        if short != phrase {
            let known = found.entry(short).or_insert(Some(phrase));
            *known = known.filter(|known| *known == phrase);
        }
    }
    found.into_iter().filter_map(|(short, phrase)| Some((short, phrase?))).collect()
}

fn spell(tokens: &Tokens, words: &[u32]) -> String {
    words.iter().map(|&w| &*tokens.vocabulary[w as usize].text).collect::<Vec<_>>().join(" ")
}

/// The comparison form of an English term that somebody else wrote: as [`Item::canonical`] promises, where the text of a document shows no
/// other form of its last word.
pub fn canonical_form(term: &str) -> String {
    let folded = spelling::fold(term);
    let mut words = bare_words(&folded);
    let base = words.last().and_then(|last| inflection::known(last));
    if let (Some(last), Some(base)) = (words.last_mut(), &base) {
        *last = base;
    }
    words.join(" ")
}

/// The form of a term by which answers about it are known in stores. It is made by rules alone and never shown; what is paid for under it
/// would be lost if it changed.
pub fn key_form(term: &str) -> String {
    let folded = spelling::fold(term);
    let mut words = bare_words(&folded);
    let singular = words.last().and_then(|last| spelling::singular(last));
    if let (Some(last), Some(singular)) = (words.last_mut(), &singular) {
        *last = singular;
    }
    words.join(" ")
}

/// As [`key_form`], with every word in the singular: for finding a term inside another.
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

    use super::super::tests::ALL;
    use super::super::{definitions, unknown_language, uses};
    use super::*;
    use corpora_values::{Block, BlockKind, Format, Metadata, Span};

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
                blocks.push(Block { kind, span: Span::new(at, at + line.len()), area: None, confidence: None });
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
    fn the_form_under_which_answers_are_stored_never_changes() {
        for (term, form) in [
            ("Half-Orcs", "half orc"),
            ("Half-Elves", "half elf"),
            ("Werewolves", "werewolf"),
            ("the Horsemen", "the horseman"),
            ("omen", "omen"),
            ("specimen", "specimen"),
            ("Hunter’s Marks", "hunter mark"),
            ("thieves' tools", "thieves tool"),
            ("Dwarves", "dwarf"),
            // No words, but paid for under them.
            ("heroes", "heroe"),
            ("horses", "hors"),
            ("the ﬁre", "the fire"),
            ("बातें करना", "बातें करना"),
            (" ’ - ", ""),
        ] {
            assert_eq!(key_form(term), form);
        }
    }

    #[test]
    fn the_canonical_form_joins_what_differs_in_case_number_hyphens_and_possessives() {
        for (term, canonical) in [
            ("Night Horses", "night horse"),
            ("the Swordsmen", "the swordsman"),
            ("Hunter’s Marks", "hunter mark"),
            ("thieves' tools", "thieves tool"),
            ("species", "species"),
            ("Wyrmlings", "wyrmling"),
            ("बातें करना", "बातें करना"),
            (" ’ - ", ""),
        ] {
            assert_eq!(canonical_form(term), canonical);
        }
        let rules = "Use thieves' tools. Hunter's Mark is a spell. Wyrmlings sleep. A wyrmling wakes.";
        let extraction = terms(&document(rules, None), &ALL);
        for canonical in ["thieves tool", "hunter mark", "wyrmling"] {
            assert!(find(&extraction, canonical).is_some(), "{canonical}");
        }
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
        assert!(all.windows(2).all(|w| w[0].score >= w[1].score) && all[0].confidence.is_none());
        let middle = all[all.len() / 2].score.unwrap();
        let sure = |minimum, maximum| {
            let sure_from = Some(middle);
            terms(&document, &TermSettings { per_thousand_words: 0.0, sure_from, minimum, maximum, ..ALL }).items
        };
        let as_good = all.iter().take_while(|item| item.score >= Some(middle)).count();
        assert!(as_good < all.len());
        assert_eq!(sure(0, 1000), all[..as_good]);
        assert_eq!(sure(as_good + 1, 1000), all[..=as_good]);
        assert_eq!(sure(0, 3), all[..3]);
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
                prop_assert!(seen.insert(item.canonical.clone()), "twice: {}", item.canonical);
                prop_assert!(!item.text.trim().is_empty() && item.score.is_some_and(|c| (0.0..=1.0).contains(&c)));
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
