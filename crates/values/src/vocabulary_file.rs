//! The bytes of a vocabulary file of version 2, as people's tools read them: one entry a line, no member that says nothing, each sentence
//! once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entry, Occurrence, SectionKind, Vocabulary, VocabularyMetadata};

/// The file's first member.
#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(flatten)]
    metadata: VocabularyMetadata,
    /// Kind of the sections that places name.
    section_kind: SectionKind,
    /// Labels of the sections that places name, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    section_labels: BTreeMap<u32, String>,
}

/// An entry's line.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    entry: Entry,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    occurrences: Vec<Place>,
}

/// A place in its line. What the sentence is stands where it is shown first in the file; elsewhere only where it begins.
#[derive(Serialize, Deserialize)]
struct Place {
    section: u32,
    start: usize,
    end: usize,
    /// First character of the sentence in the text: its name in the file.
    sentence_start: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sentence: Option<String>,
}

#[derive(Deserialize)]
struct File {
    metadata: Head,
    entries: Vec<Line>,
}

impl Vocabulary {
    /// The bytes of its file: its metadata on the first line, then a line for each entry.
    ///
    /// # Panics
    /// Never: a vocabulary has string keys and finite numbers.
    pub fn to_bytes(&self) -> Vec<u8> {
        fn put<T: Serialize>(bytes: &mut Vec<u8>, value: &T) {
            serde_json::to_writer(bytes, value).expect("string keys and finite numbers");
        }
        let mut section_labels = BTreeMap::new();
        let mut section_kind = SectionKind::Page;
        for place in self.entries.iter().flat_map(|entry| &entry.occurrences) {
            section_kind = place.section_kind;
            if let Some(label) = &place.section_label {
                section_labels.entry(place.section).or_insert_with(|| label.clone());
            }
        }
        let mut bytes = b"{\"metadata\":".to_vec();
        put(&mut bytes, &Head { metadata: self.metadata.clone(), section_kind, section_labels });
        bytes.extend(b",\n\"entries\":[");
        let mut shown: BTreeMap<usize, &str> = BTreeMap::new();
        let mut separator = "\n";
        for entry in &self.entries {
            bytes.extend(separator.as_bytes());
            separator = ",\n";
            let occurrences = entry.occurrences.iter().map(|place| {
                let known = shown.insert(place.sentence_start, &place.sentence);
                Place {
                    section: place.section,
                    start: place.start,
                    end: place.end,
                    sentence_start: place.sentence_start,
                    sentence: (known != Some(place.sentence.as_str())).then(|| place.sentence.clone()),
                }
            });
            let occurrences = occurrences.collect();
            let entry = Entry { occurrences: Vec::new(), source: String::new(), ..entry.clone() };
            put(&mut bytes, &Line { entry, occurrences });
        }
        bytes.extend(b"\n]}\n");
        bytes
    }

    /// The vocabulary of a file of version 2.
    ///
    /// # Errors
    /// If it has another shape, or a place names a sentence that nothing before it has shown.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let File { metadata: head, entries: lines } = serde_json::from_slice(bytes)?;
        let mut shown: BTreeMap<usize, String> = BTreeMap::new();
        let mut entries = Vec::with_capacity(lines.len());
        for Line { entry, occurrences } in lines {
            let mut places = Vec::with_capacity(occurrences.len());
            for place in occurrences {
                if let Some(sentence) = place.sentence {
                    shown.insert(place.sentence_start, sentence);
                }
                let sentence = shown.get(&place.sentence_start).cloned().ok_or_else(|| {
                    serde::de::Error::custom(format!(
                        "'{}' names the sentence at character {}, which no entry before it shows",
                        entry.text, place.sentence_start
                    ))
                })?;
                places.push(Occurrence {
                    section_kind: head.section_kind,
                    section: place.section,
                    section_label: head.section_labels.get(&place.section).cloned(),
                    start: place.start,
                    end: place.end,
                    sentence_start: place.sentence_start,
                    sentence,
                });
            }
            let source = head.metadata.source_path.clone();
            entries.push(Entry { occurrences: places, source, ..entry });
        }
        Ok(Self { metadata: head.metadata, entries })
    }
}
