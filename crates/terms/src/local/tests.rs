//! Promises about terms and definitions, held on small books.

use corpora_values::{
    Block, BlockKind, DefinitionSource, Extraction, Format, Item, Mark, MarkKind, Markup, Metadata, ParsedDocument,
    Part, PartKind, Span, Table,
};

use super::{TermSettings, Wanted, glossary, terms};

pub(super) const ALL: TermSettings = TermSettings {
    per_thousand_words: 1e6,
    minimum: 0,
    maximum: usize::MAX,
    sure_from: None,
    max_words: 5,
    max_occurrences: 100,
    wanted: Wanted::Terms,
};

/// A book with one block a line: `#` a heading, `|` a row of a table (cells parted by ` | `), `-` an item, `?` a term of a list of definitions,
/// `!` its meaning, anything else a paragraph. `*bold*` and `_italic_` are marks, and a bold head of a paragraph runs in.
fn book(lines: &str) -> ParsedDocument {
    let mut text = String::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut markup = Markup::default();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, body) = match line.split_at_checked(1) {
            Some(("#", rest)) => {
                (BlockKind::Heading(1 + rest.matches('#').count() as u8), rest.trim_start_matches('#'))
            }
            Some(("|", rest)) => (BlockKind::TableRow, rest),
            Some(("-", rest)) => (BlockKind::ListItem, rest),
            Some(("?", rest)) => (BlockKind::DefinitionTerm, rest),
            Some(("!", rest)) => (BlockKind::Definition, rest),
            _ => (BlockKind::Paragraph, line),
        };
        let start = text.len();
        let mut open: Option<usize> = None;
        for c in body.trim().replace(" | ", "\t").chars() {
            match (c, open) {
                ('*' | '_', None) => open = Some(text.len()),
                ('*' | '_', Some(from)) => {
                    let kind = if c == '*' { MarkKind::Bold } else { MarkKind::Italic };
                    markup.marks.push(Mark { kind, span: Span::new(from, text.len()) });
                    if from == start && kind_of_text(&text[from..]) {
                        let name = text[from..].trim_end_matches('.').len();
                        markup.marks.push(Mark { kind: MarkKind::RunIn, span: Span::new(from, from + name) });
                    }
                    open = None;
                }
                _ => text.push(c),
            }
        }
        blocks.push(Block { kind, span: Span::new(start, text.len()), area: None, confidence: None });
        text.push('\n');
    }
    ParsedDocument {
        format: Format::Html,
        metadata: Metadata { language: Some("en".into()), ..Metadata::default() },
        text,
        sections: vec![],
        blocks,
        outline: vec![],
        page_marks: vec![],
        markup,
        notes: vec![],
    }
}

fn kind_of_text(name: &str) -> bool {
    name.ends_with('.')
}

fn found(lines: &str) -> Extraction {
    terms(&book(lines), &ALL)
}

fn item<'a>(found: &'a Extraction, text: &str) -> Option<&'a Item> {
    found.items.iter().find(|item| item.text.to_lowercase() == text.to_lowercase())
}

/// The definition of a term of a book, and where it was taken from.
fn defined(document: &ParsedDocument, term: &str) -> Option<(String, DefinitionSource)> {
    let found = glossary(document);
    let item = item(&found, term)?;
    Some((item.definition?.of(&document.text).to_owned(), item.definition_source?))
}

#[test]
fn no_word_of_a_closed_class_is_a_term_wherever_it_stands() {
    let words = super::closed_words::functions().chain(super::closed_words::never_alone());
    for word in words {
        let text = format!(
            "# {word}\nIt is called {word}. They came {word}.\n| {word} | salt |\n| {word} | bread |\n- {word}\nThe mill stands."
        );
        let found = found(&text);
        assert!(item(&found, word).is_none(), "'{word}' is a term");
        assert!(item(&found, "salt").is_some());
    }
}

#[test]
fn forms_of_a_word_are_one_term_and_no_form_is_made_up() {
    let found = found(
        "The heroes met a hero. Two axes have one axis each. Matrices and a matrix. The bacteria: each bacterium grows.\n\
         The lens and the lenses. Movies and a movie. The species are one species. News of the new mill. Swordfish swim.",
    );
    for (one, many) in
        [("hero", "heroes"), ("axis", "axes"), ("matrix", "matrices"), ("bacterium", "bacteria"), ("lens", "lenses")]
    {
        assert!(item(&found, one).is_some() != item(&found, many).is_some(), "{one}, {many}");
    }
    for made_up in ["heroe", "axe", "matrice", "len", "movy", "specie"] {
        assert!(found.items.iter().all(|i| i.canonical != made_up), "{made_up}");
    }
    assert!(item(&found, "news").is_some(), "it is no plural of new");
}

#[test]
fn an_abbreviation_is_one_term_with_its_phrase() {
    let found = found(
        "Hit Points (HP) tell how much harm a hero takes. HP come back. Your HP stand on the sheet. HP falls. A DC is set. The DC is hard.\n\
         The NPC (non-player character) waits. An NPC sleeps.",
    );
    let points = item(&found, "Hit Points").unwrap();
    assert_eq!((points.aliases.as_slice(), points.evidence.as_ref().unwrap().frequency), (&["HP".to_owned()][..], 5));
    assert_eq!(points.occurrences.len(), 5);
    assert_eq!(item(&found, "non-player character").unwrap().aliases, ["NPC"]);
    assert!(item(&found, "DC").is_some() && item(&found, "HP").is_none() && item(&found, "HP falls").is_none());
}

#[test]
fn contractions_units_and_numerals_are_no_part_of_terms() {
    let found = found(
        "# XII\nI'm sure he'll come. That's all they've burned. O'Malley met a will-o'-the-wisp. O'Malley ran.\n\
         - 2 tsp cumin seed\n- 500 g red beans\nFry the cumin seed with red beans. One day in November it rained.",
    );
    for none in
        ["i'm", "he'll", "they've", "that", "november", "xii", "tsp cumin seed", "g red beans", "tsp", "one day"]
    {
        assert!(item(&found, none).is_none(), "{none}");
    }
    for term in ["O'Malley", "will-o'-the-wisp", "cumin seed", "red beans"] {
        assert!(item(&found, term).is_some(), "{term}");
    }
}

#[test]
fn what_a_book_says_of_itself_is_no_subject_of_it() {
    let mut book = book(
        "# The Lamp Road\nPublished by Tallow Press.\nThe wick warden keeps the lamps. A wick warden sleeps.\nTallow Press is a house.",
    );
    let parts = [(PartKind::FrontMatter, 0..2), (PartKind::Boilerplate, 3..4)];
    book.markup.parts = parts
        .map(|(kind, blocks)| Part {
            kind,
            span: Span { start: book.blocks[blocks.start].span.start, end: book.blocks[blocks.end - 1].span.end },
        })
        .to_vec();
    let found = terms(&book, &ALL);
    assert!(item(&found, "wick warden").is_some() && item(&found, "Tallow Press").is_none());
}

#[test]
fn a_list_of_definitions_is_a_glossary_where_the_book_says_so() {
    let listed = book(
        "# The trade\nWe sailed for salt.\n## Glossary\n?brine\n!water with much salt\n?raker (also pan hand)\n!who draws the salt\n!and sleeps",
    );
    assert_eq!(defined(&listed, "brine"), Some(("water with much salt".into(), DefinitionSource::Glossary)));
    assert_eq!(defined(&listed, "raker"), Some(("who draws the salt\nand sleeps".into(), DefinitionSource::Glossary)));
    let best = terms(&listed, &ALL);
    assert_eq!(best.items[0].definition_source, Some(DefinitionSource::Glossary), "what the glossary has comes first");
    let options = book("# Options\n?--salt\n!adds salt to it\n?salt=NUMBER\n!adds so much salt");
    assert!(glossary(&options).items.is_empty());
}

#[test]
fn a_table_of_terms_is_a_glossary_and_a_table_of_prices_is_none() {
    let mut tables = book(
        "# Words\n| Term | Meaning\n| lee boy | who listens for breakers\n# Prices\n| Item | Price\n| oilskin | 9 marks",
    );
    tables.markup.tables = vec![
        Table { first_block: 1, rows: 2, header_rows: 1, ..Table::default() },
        Table { first_block: 4, rows: 2, header_rows: 1, ..Table::default() },
    ];
    assert_eq!(defined(&tables, "lee boy"), Some(("who listens for breakers".into(), DefinitionSource::Glossary)));
    assert_eq!(defined(&tables, "oilskin"), None);
}

#[test]
fn a_name_that_runs_in_is_defined_and_a_label_is_none() {
    let goats = book(
        "# Ledge goat\n*Charge.* If the goat moves in a line, its blow knocks the target down.\n*Note.* Goats sleep at noon in the sun.\n\
         *Range.* It is as far as the goat can see.\n*Range.* It is as far as an owl can hear.\n*Range.* It is as far as a man can walk.",
    );
    let charge = defined(&goats, "Charge").unwrap();
    assert_eq!(
        charge,
        ("If the goat moves in a line, its blow knocks the target down.".into(), DefinitionSource::RunIn)
    );
    assert_eq!((defined(&goats, "Note"), defined(&goats, "Range")), (None, None));
}

#[test]
fn a_heading_is_defined_by_its_text_where_that_says_what_it_is() {
    let herbal = book(
        "# The herbal\n## Introduction\nThis book was written in one summer.\n## Gloamlily\nA pale flower that opens when a bell is rung. It smells.\n\
         ## Fireglass\nFireglass is a black stone.\n## Prices\nWe pay what we have.",
    );
    assert_eq!(defined(&herbal, "Gloamlily").unwrap().0, "A pale flower that opens when a bell is rung.");
    assert_eq!(
        defined(&herbal, "Fireglass").unwrap(),
        ("Fireglass is a black stone.".into(), DefinitionSource::Heading)
    );
    assert_eq!((defined(&herbal, "Introduction"), defined(&herbal, "Prices")), (None, None));
}

#[test]
fn a_law_defines_what_it_quotes_under_numbers_and_a_story_only_speaks() {
    let mut law = book(
        "# Begriffe\n1. „Siedepfanne“ ein flaches Gefäß;\n2. „Gradierwerk“ ein Gerüst aus Reisig;\n3. „Salzfracht“ die Menge Salz.",
    );
    law.metadata.language = Some("de".into());
    assert_eq!(defined(&law, "Gradierwerk"), Some(("ein Gerüst aus Reisig;".into(), DefinitionSource::Glossary)));
    let story = book(
        "“Dear Victor” cried the old man aloud.\n“My cousin” said she to the old man.\n“Alas” sighed the old man by the fire.",
    );
    assert!(glossary(&story).items.is_empty());
}

/// Sentences in which twenty words are set apart once and used plainly afterwards, some of them with headings.
fn lessons() -> String {
    let words = [
        "brine", "tide", "warden", "lantern", "ferry", "anchor", "harbour", "kettle", "tallow", "marsh", "reef",
        "sluice", "barge", "quay", "mooring", "shoal", "pilot", "gauge", "beacon", "current",
    ];
    let line = |(n, word): (usize, &&str)| {
        let title = if n % 3 == 0 { format!("# {word}\n") } else { String::new() };
        format!(
            "{title}The people of the coast say that a *{word}* keeps them safe in winter.\nEvery {word} is old, and no {word} was ever sold.\n"
        )
    };
    words.iter().enumerate().map(line).collect()
}

#[test]
fn what_is_set_apart_once_and_used_plainly_comes_first_with_its_sentence() {
    let lessons = book(&lessons());
    assert_eq!(
        defined(&lessons, "shoal"),
        Some((
            "The people of the coast say that a shoal keeps them safe in winter.".into(),
            DefinitionSource::Emphasis
        ))
    );
    let first: Vec<_> = terms(&lessons, &ALL)
        .items
        .into_iter()
        .take(20)
        .filter(|i| i.evidence.as_ref().unwrap().emphasised == 1)
        .collect();
    assert_eq!(first.len(), 20);
}

#[test]
fn what_is_set_apart_again_and_again_says_nothing() {
    let again = lessons()
        .replace(" no ", " no *")
        .replace(" was ever sold", "* was ever sold")
        .replace("Every ", "Every *")
        .replace(" is old", "* is old");
    assert_eq!(defined(&book(&again), "shoal"), None);
}

#[test]
fn of_many_places_the_telling_ones_are_kept() {
    let list: String = (0..30).map(|n| format!("| Fireglass | {n} marks\n")).collect();
    let book = book(&format!(
        "# Prices\n{list}# Fireglass\nFireglass is a black stone that drinks light by day and gives it back.\nNobody sells fireglass to a stranger in the evening."
    ));
    let found = terms(&book, &TermSettings { max_occurrences: 5, ..ALL });
    let glass = item(&found, "Fireglass").unwrap();
    let sentences: Vec<_> = glass
        .occurrences
        .iter()
        .map(|at| book.blocks.iter().find(|b| b.span.contains(at.start)).unwrap().span.of(&book.text))
        .collect();
    assert!(
        sentences.iter().any(|s| s.contains("drinks light")) && sentences.iter().any(|s| s.contains("stranger")),
        "{sentences:?}"
    );
    assert_eq!((glass.occurrences.len(), glass.evidence.as_ref().unwrap().frequency), (5, 33));
}

#[test]
fn a_heading_that_shouts_is_shown_as_the_text_writes_it() {
    let found = found("# FIREGLASS LAMP\n# FIREGLASS LAMP\nA fireglass lamp burns. NATO has met.");
    assert_eq!(item(&found, "fireglass lamp").unwrap().text, "fireglass lamp");
    assert_eq!(item(&found, "nato").unwrap().text, "NATO");
}

#[test]
fn names_are_told_by_capitals_inside_sentences_and_typed_where_the_text_says_so() {
    let story = book(
        "# I\nThus Maren came to Hask with nails. For Maren had promised Old Tobit a door. Now Tobit was at the ferry, and alas it was late. “Where is it?” said Tobit.\n\
         Next Tobit spoke of the Lantern Guild. Perhaps the Lantern Guild lived in Hask. Afterwards Maren and Tobit went to Hask. Old nets hung in Hask, and a door.",
    );
    let found = terms(&story, &TermSettings { wanted: Wanted::Names, ..ALL });
    let kind = |name: &str| item(&found, name).map(|item| item.kind.clone());
    assert_eq!(kind("Tobit"), Some(Some("person".into())));
    assert_eq!(kind("Lantern Guild"), Some(Some("group".into())));
    assert_eq!(kind("Hask"), Some(Some("place".into())));
    assert!(kind("Maren").is_some());
    for none in [
        "Thus Maren",
        "For Maren",
        "Now Tobit",
        "Next Tobit",
        "Afterwards Maren",
        "door",
        "old",
        "ferry",
        "Perhaps",
        "said Tobit",
    ] {
        assert_eq!(kind(none), None, "{none}");
    }
}

#[test]
fn stat_blocks_with_other_labels_are_other_kinds_named_by_what_stands_above_them() {
    let book = book(
        "# Dwellers\n## Mudling\nVigour 4\nWard 2\nIt hides.\n## Cinder hound\nVigour 9\nWard 1\nIt follows.\n## Fen troll\nVigour 15\nWard 3\nIt eats.\n\
         # Charms\n## Veil of Ash\nToll: two breaths\nLasts: until dawn\nA curtain.\n## Small Thunder\nToll: a coin\nLasts: a moment\nA clap.\n## Salt Ward\nToll: salt\nLasts: a tide\nNo.\n\
         ## Of charms\nThey are few.",
    );
    let found = terms(&book, &ALL);
    let kind = |name: &str| item(&found, name).and_then(|item| item.kind.clone());
    for name in ["Mudling", "Cinder hound", "Fen troll"] {
        assert_eq!(kind(name).as_deref(), Some("Dwellers"), "{name}");
    }
    for name in ["Veil of Ash", "Small Thunder", "Salt Ward"] {
        assert_eq!(kind(name).as_deref(), Some("Charms"), "{name}");
    }
    assert_eq!(kind("vigour"), None);
}
