//! Rendering: from an extraction to the vocabulary file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::blocklist::Blocklist;
use super::offsets::CharacterOffsets;
use crate::values::{
    DefinitionPlace, Entry, Extraction, Fingerprint, Item, Occurrence, ParsedDocument, SCHEMA_VERSION, SourcePath,
    Span, Vocabulary, VocabularyMetadata,
};

/// Version of the rendering. Raised whenever the same extraction may give other bytes.
pub const VERSION: u32 = 5;

/// Longest sentence quoted, in characters; a longer one is cut around the term.
const LONGEST_SENTENCE: usize = 400;

/// Origin of the file: goes into its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Pipeline name.
    pub pipeline: String,
    /// Provider name.
    pub provider: String,
    /// Model name.
    pub model: Option<String>,
}

/// Value of [`Entry::ip_flag`] where a model takes a term for a known franchise's property. What stands in a blocklist
/// has `blocklist:` and the franchise's name instead, whatever a model says.
const SUSPECT: &str = "classification:ip-suspect";

/// The vocabulary of one source file, its terms flagged by `blocklist` and by what a model said. Entries stand in the order of the
/// extraction, which is best first; the same arguments give the same value on every machine.
pub fn render(
    path: &SourcePath,
    hash: Fingerprint,
    document: &ParsedDocument,
    extraction: &Extraction,
    origin: &Origin,
    blocklist: Option<&Blocklist>,
) -> Vocabulary {
    let places = Places::new(document);
    let listed = |item: &Item| Some(format!("blocklist:{}", blocklist?.franchise(&item.text)?));
    let entries: Vec<Entry> = (1_u32..)
        .zip(&extraction.items)
        .map(|(rank, item)| Entry {
            rank,
            source: path.as_str().to_owned(),
            ..entry(document, &places, item, listed(item))
        })
        .collect();
    let count = |test: fn(&Entry) -> bool| entries.iter().filter(|e| test(e)).count();
    let metadata = VocabularyMetadata {
        schema_version: SCHEMA_VERSION,
        source_path: path.as_str().to_owned(),
        source_hash: hash,
        format: document.format,
        title: document.metadata.title.clone(),
        author: document.metadata.author.clone(),
        language: document.metadata.language.clone(),
        pipeline: origin.pipeline.clone(),
        provider: origin.provider.clone(),
        model: origin.model.clone(),
        term_count: entries.len(),
        classified_count: count(|e| e.category.is_some()),
        flagged_count: count(|e| e.ip_flag.is_some()),
    };
    Vocabulary { metadata, entries }
}

fn entry(document: &ParsedDocument, places: &Places<'_>, item: &Item, listed: Option<String>) -> Entry {
    let mut said = Said(item.fields.clone());
    let suspect = said.take("ip_suspect", |v| v.as_bool());
    let (intent, secondary_intents) = said.intents();
    Entry {
        id: Entry::id_of(&item.canonical),
        text: item.text.clone(),
        score: item.score,
        aliases: item.aliases.clone(),
        kind: item.kind.clone(),
        genre: said.text("genre"),
        intent,
        pos: said.text("pos").or_else(|| item.pos.clone()),
        axes: said.take("axes", axes),
        tags: said.texts("tags"),
        category: said.text("category"),
        canonical: item.canonical.clone(),
        mood: said.text("mood"),
        energy: said.text("energy"),
        confidence: said.take("confidence", share).or(item.confidence),
        secondary_intents,
        ip_flag: listed.or_else(|| (suspect == Some(true)).then(|| SUSPECT.to_owned())),
        definition: item.definition.map(|span| folded(span.of(&document.text))).or_else(|| item.quote.clone()),
        definition_source: item.definition_source,
        definition_kind: item.definition_kind,
        definition_place: item.definition.map(|span| places.definition(span)),
        occurrence_count: item.evidence.as_ref().map_or(item.occurrences.len() as u64, |e| u64::from(e.frequency)),
        occurrences: item.occurrences.iter().map(|&span| places.occurrence(span)).collect(),
        evidence: item.evidence.clone(),
        grounding: item.grounding,
        fields: (!said.0.is_empty()).then_some(said.0),
        ..Entry::default()
    }
}

/// Words of a model on an item: fields that the vocabulary file knows are taken out, the others stay as they are.
struct Said(serde_json::Map<String, Value>);

impl Said {
    /// Takes a field out if it is of the right kind. Null is taken out as not known.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        match self.0.get(name) {
            Some(Value::Null) => {
                self.0.remove(name);
                None
            }
            Some(value) => {
                let read = read(value);
                if read.is_some() {
                    self.0.remove(name);
                }
                read
            }
            None => None,
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, |v| v.as_str().map(folded).filter(|t| !t.is_empty()))
    }

    /// The main intent and the others: fields of their own, or one list with the main one first.
    fn intents(&mut self) -> (Option<String>, Option<Vec<String>>) {
        if self.0.contains_key("intent") || self.0.contains_key("secondary_intents") {
            return (self.text("intent"), self.texts("secondary_intents"));
        }
        match self.texts("intents") {
            Some(mut all) if !all.is_empty() => (Some(all.remove(0)), Some(all)),
            other => (None, other),
        }
    }

    fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.take(name, |v| v.as_array()?.iter().map(|t| t.as_str().map(folded)).collect())
    }
}

fn share(value: &Value) -> Option<f64> {
    value.as_f64().filter(|v| (0.0..=1.0).contains(v))
}

/// Scores by axis: an object of numbers, or a list of `{"axis", "score"}` with those that apply. The first of two for one axis counts.
fn axes(value: &Value) -> Option<BTreeMap<String, f64>> {
    match value {
        Value::Array(list) => {
            let mut axes = BTreeMap::new();
            for said in list {
                let (name, score) = (said["axis"].as_str()?, share(&said["score"])?);
                axes.entry(name.to_owned()).or_insert(score);
            }
            Some(axes)
        }
        _ => value.as_object()?.iter().map(|(name, v)| Some((name.clone(), share(v)?))).collect(),
    }
}

/// Looks up what stands around a span.
struct Places<'a> {
    document: &'a ParsedDocument,
    characters: CharacterOffsets,
}

impl<'a> Places<'a> {
    fn new(document: &'a ParsedDocument) -> Self {
        Self { document, characters: CharacterOffsets::new(&document.text) }
    }

    fn definition(&self, span: Span) -> DefinitionPlace {
        let section = self.document.section_at(span.start).map(|n| &self.document.sections[n]);
        DefinitionPlace {
            section: section.map_or(1, |s| s.number),
            start: self.characters.at(&self.document.text, span.start as usize),
            end: self.characters.at(&self.document.text, span.end as usize),
        }
    }

    fn occurrence(&self, span: Span) -> Occurrence {
        let section = self.document.section_at(span.start).map(|n| &self.document.sections[n]);
        let sentence = self.sentence(span);
        Occurrence {
            section_kind: section.map_or(crate::values::SectionKind::Page, |s| s.kind),
            section: section.map_or(1, |s| s.number),
            section_label: section.and_then(|s| s.label.clone()),
            start: self.characters.at(&self.document.text, span.start as usize),
            end: self.characters.at(&self.document.text, span.end as usize),
            sentence_start: self.characters.at(&self.document.text, sentence.start as usize),
            sentence: folded(sentence.of(&self.document.text)),
        }
    }

    /// The sentence around a span, within its block.
    fn sentence(&self, span: Span) -> Span {
        let text = &self.document.text;
        let blocks = &self.document.blocks;
        let block = blocks
            .partition_point(|b| b.span.start <= span.start)
            .checked_sub(1)
            .map(|n| blocks[n].span)
            .filter(|b| span.end <= b.end)
            .unwrap_or(span);
        // Segmenting a whole block for each occurrence would be quadratic in blocks of book length: look at a
        // window that is sure to hold one quotable sentence.
        let window = 4 * LONGEST_SENTENCE;
        let from = text.floor_char_boundary((span.start as usize).saturating_sub(window)).max(block.start as usize);
        let to = text.ceil_char_boundary((span.end as usize + window).min(text.len())).min(block.end as usize);
        let (mut start, mut end) = (from, to);
        let mut at = from;
        for sentence in text[from..to].split_sentence_bounds() {
            let next = at + sentence.len();
            if at <= span.start as usize {
                start = at;
            }
            if next >= span.end as usize {
                end = next;
                break;
            }
            at = next;
        }
        let half = LONGEST_SENTENCE / 2;
        let cut_start =
            text[start..span.start as usize].char_indices().rev().nth(half).map_or(start, |(n, _)| start + n);
        let cut_end = text[span.end as usize..end].char_indices().nth(half).map_or(end, |(n, _)| span.end as usize + n);
        Span::new(cut_start, cut_end)
    }
}

/// White space folded to single spaces.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Block, BlockKind, Format, Metadata, Section, SectionKind, SectionSource};

    fn document() -> ParsedDocument {
        let pages = ["Über alles. The wyrm is a dragon. It sleeps.", "A wyrm wakes."];
        let text = pages.join("\u{c}");
        let second = pages[0].len() + 1;
        let spans = [Span::new(0, pages[0].len()), Span::new(second, text.len())];
        ParsedDocument {
            format: Format::Pdf,
            metadata: Metadata::default(),
            sections: spans
                .iter()
                .zip(1..)
                .map(|(&span, number)| Section {
                    kind: SectionKind::Page,
                    number,
                    label: None,
                    span,
                    source: SectionSource::File,
                    recognition: None,
                })
                .collect(),
            blocks: spans
                .iter()
                .map(|&span| Block { kind: BlockKind::Paragraph, span, area: None, confidence: None })
                .collect(),
            text,
            outline: Vec::new(),
            page_marks: Vec::new(),
            markup: crate::values::Markup::default(),
            notes: vec![],
        }
    }

    fn item(document: &ParsedDocument, canonical: &str) -> Item {
        let occurrences =
            document.text.match_indices(canonical).map(|(n, m)| Span::new(n, n + m.len())).collect::<Vec<_>>();
        Item {
            text: canonical.into(),
            canonical: canonical.into(),
            confidence: Some(1.0),
            occurrences,
            ..Item::default()
        }
    }

    #[test]
    fn occurrences_tell_page_characters_and_sentence() {
        let document = document();
        let extraction = Extraction { items: vec![item(&document, "wyrm"), item(&document, "dragon")] };
        let origin = Origin { pipeline: "p".into(), provider: "local".into(), model: None };
        let v = render(&SourcePath::from_text("a.pdf"), Fingerprint::of(b""), &document, &extraction, &origin, None);
        assert_eq!(
            v.entries.iter().map(|e| (e.rank, e.text.as_str())).collect::<Vec<_>>(),
            [(1, "wyrm"), (2, "dragon")]
        );
        let [first, second] = &v.entries[0].occurrences[..] else { panic!("two occurrences") };
        assert_eq!((first.section, second.section), (1, 2));
        assert_eq!((first.sentence.as_str(), second.sentence.as_str()), ("The wyrm is a dragon.", "A wyrm wakes."));
        let slice: String = document.text.chars().skip(first.start).take(first.end - first.start).collect();
        assert_eq!(slice, "wyrm");
        assert_eq!(Vocabulary::from_bytes(&v.to_bytes()).unwrap(), v);
        let text = String::from_utf8(v.to_bytes()).unwrap();
        assert_eq!(
            (text.lines().count(), text.matches("The wyrm is a dragon.").count()),
            (5, 1),
            "a line an entry, a sentence once"
        );
        assert!(!text.contains("null"));
    }

    #[test]
    fn what_is_listed_or_suspected_is_flagged() {
        let document = document();
        let mut items = ["wyrm", "dragon", "abbey"].map(|c| item(&document, c));
        for (item, suspect) in items.iter_mut().zip([true, true, false]) {
            item.fields.insert("ip_suspect".into(), suspect.into());
        }
        let list = Blocklist::parse(r#"{"Deep Caves": ["Wyrms"]}"#).unwrap();
        let origin = Origin { pipeline: "p".into(), provider: "x".into(), model: None };
        let extraction = Extraction { items: items.into() };
        let path = SourcePath::from_text("a.pdf");
        let v = render(&path, Fingerprint::of(b""), &document, &extraction, &origin, Some(&list));
        let flags: Vec<_> = v.entries.iter().map(|e| e.ip_flag.as_deref()).collect();
        assert_eq!(flags, [Some("blocklist:Deep Caves"), Some("classification:ip-suspect"), None]);
        assert_eq!(v.metadata.flagged_count, 2);
    }

    #[test]
    fn axes_are_read_as_a_list_of_those_that_apply_or_as_an_object_of_all() {
        let read = |value: Value| axes(&value).map(|axes| serde_json::to_string(&axes).unwrap());
        let list = serde_json::json!([{"axis": "shadow", "score": 0.6}, {"axis": "fire", "score": 1}, {"axis": "fire", "score": 0}]);
        assert_eq!(read(list).as_deref(), Some(r#"{"fire":1.0,"shadow":0.6}"#));
        assert_eq!(read(serde_json::json!({"fire": 0.5})).as_deref(), Some(r#"{"fire":0.5}"#));
        assert_eq!(read(serde_json::json!([])).as_deref(), Some("{}"));
        assert_eq!(read(serde_json::json!([{"axis": "fire", "score": 7}])), None);
    }

    #[test]
    fn intents_are_a_field_and_a_list_or_one_list_with_the_main_one_first() {
        let read = |said: Value| Said(said.as_object().unwrap().clone()).intents();
        let of = |main: &str, others: &[&str]| {
            (Some(main.to_owned()), Some(others.iter().map(|o| (*o).to_owned()).collect()))
        };
        assert_eq!(read(serde_json::json!({"intents": ["control", "utility"]})), of("control", &["utility"]));
        assert_eq!(
            read(serde_json::json!({"intent": "control", "secondary_intents": [], "intents": 7})),
            of("control", &[])
        );
        assert_eq!(read(serde_json::json!({"intents": []})), (None, Some(Vec::new())));
        assert_eq!(read(serde_json::json!({})), (None, None));
    }

    #[test]
    fn a_block_of_book_length_still_gives_short_sentences() {
        let mut document = document();
        document.text = format!("{} wyrm {}", "word ".repeat(50_000), "ä ".repeat(50_000));
        let whole = Span::new(0, document.text.len());
        document.sections.truncate(1);
        document.sections[0].span = whole;
        document.blocks = vec![Block { kind: BlockKind::Paragraph, span: whole, area: None, confidence: None }];
        let place = Places::new(&document).occurrence(item(&document, "wyrm").occurrences[0]);
        assert!(place.sentence.contains("wyrm") && place.sentence.chars().count() <= LONGEST_SENTENCE + 10);
    }
}
