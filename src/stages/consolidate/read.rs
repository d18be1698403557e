//! Reading vocabulary files that people may have edited, and masters that do not fit into memory.

use std::io::Read;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::stages::extract::local::{canonical_form, key_form};
use crate::values::{Entry, MasterEntry, SCHEMA_VERSION, Vocabulary};

/// Reason for which a vocabulary file cannot be used, with a remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not JSON, or JSON of another shape.
    #[error("{0}; mend it, or delete it and run 'corpora batch' again to have it written anew")]
    Broken(String),
    /// The master of a folder below this one.
    #[error("it is a master vocabulary and no document's; its documents count by their own files, so move it away")]
    Master,
    /// Written for an older schema.
    #[error(
        "it has schema version {0}, and this program reads 1 to {SCHEMA_VERSION}; 'corpora batch ... --stage write' writes it anew without asking a provider"
    )]
    Older(u64),
    /// Written for a newer schema.
    #[error("it has schema version {0}, and this program reads 1 to {SCHEMA_VERSION}; use a newer corpora")]
    Newer(u64),
}

/// Reads a vocabulary file, of this version or of the one before, and checks what the merging relies on.
///
/// # Errors
/// Reason for which it cannot be used.
pub fn read_vocabulary(bytes: &[u8]) -> Result<Vocabulary, Unusable> {
    let head = match head(bytes).map_err(|e| Unusable::Broken(format!("it cannot be read ({e})")))? {
        Head { source_path: None, document_count: Some(_), .. } => return Err(Unusable::Master),
        head => head,
    };
    let read = match head.schema_version {
        0 => return Err(Unusable::Older(0)),
        1 => serde_json::from_slice(bytes).map(of_version_1),
        version if version == u64::from(SCHEMA_VERSION) => Vocabulary::from_bytes(bytes),
        version => return Err(Unusable::Newer(version)),
    };
    let vocabulary = read.map_err(|e| Unusable::Broken(format!("it has not the shape of a vocabulary file ({e})")))?;
    for (n, entry) in (1..).zip(&vocabulary.entries) {
        let bad = |what: String| Err(Unusable::Broken(format!("its entry {n} ('{}') {what}", entry.text)));
        if entry.canonical.is_empty() || entry.text.is_empty() || entry.canonical.contains('\0') {
            return bad("has no text or no canonical form".into());
        }
        let shares =
            entry.confidence.iter().chain(entry.score.iter()).chain(entry.axes.iter().flat_map(|a| a.values()));
        if let Some(wrong) = shares.copied().find(|v| !(0.0..=1.0).contains(v)) {
            return bad(format!("has a score, a confidence or an axis of {wrong}, which is not between 0 and 1"));
        }
    }
    Ok(vocabulary)
}

/// A vocabulary of version 1 as this program would write it: best first, where its terms stood by the alphabet and the local provider gave its
/// rank as a confidence; with comparison forms that are words.
fn of_version_1(mut vocabulary: Vocabulary) -> Vocabulary {
    vocabulary.metadata.schema_version = SCHEMA_VERSION;
    let is_local = vocabulary.metadata.provider == "local";
    vocabulary.entries.sort_by(|a, b| b.confidence.unwrap_or_default().total_cmp(&a.confidence.unwrap_or_default()));
    for (rank, entry) in (1..).zip(&mut vocabulary.entries) {
        entry.rank = rank;
        if is_local {
            entry.score = entry.confidence.take();
        }
        if entry.canonical == key_form(&entry.text) {
            entry.canonical = canonical_form(&entry.text);
            entry.id = Entry::id_of(&entry.canonical);
        }
        entry.occurrence_count =
            entry.evidence.as_ref().map_or(entry.occurrences.len() as u64, |e| u64::from(e.frequency));
    }
    vocabulary
}

/// Fields that tell a file's kind and version; version 0 where there is metadata without one.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema_version: u64,
    source_path: Option<IgnoredAny>,
    document_count: Option<IgnoredAny>,
}

fn head(bytes: &[u8]) -> Result<Head, serde_json::Error> {
    #[derive(Deserialize)]
    struct File {
        metadata: Head,
    }
    Ok(serde_json::from_slice::<File>(bytes)?.metadata)
}

/// Reads a master entry by entry, in the order of the file. `each` may end the reading with a message.
///
/// # Errors
/// Fault of the file, or the message of `each`.
pub fn each_master_entry(
    from: impl Read,
    each: &mut dyn FnMut(MasterEntry) -> Result<(), String>,
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(from);
    (&mut json).deserialize_map(Root { each })?;
    json.end()
}

struct Root<'a, T> {
    each: &'a mut dyn FnMut(T) -> Result<(), String>,
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Root<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with \"entries\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "entries" && !found {
                found = true;
                map.next_value_seed(Entries { each: &mut *self.each, of: PhantomData })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::missing_field("entries")) }
    }
}

struct Entries<'a, T> {
    each: &'a mut dyn FnMut(T) -> Result<(), String>,
    of: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Entries<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Entries<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(entry) = seq.next_element::<T>()? {
            (self.each)(entry).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read_vocabulary(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn files_that_cannot_be_used_say_why_and_what_to_do() {
        assert!(error("{\"metadata\"").contains("cannot be read"));
        assert!(error("[]").contains("cannot be read"));
        assert!(error("{\"metadata\": {\"schema_version\": 0}}").contains("--stage write"));
        assert!(error("{\"metadata\": {}, \"terms\": []}").contains("schema version 0"));
        assert!(error("{\"metadata\": {\"schema_version\": 9}}").contains("newer corpora"));
        assert!(error("{\"metadata\": {\"schema_version\": 1}}").contains("not the shape"));
        assert!(
            error("{\"metadata\": {\"schema_version\": 1, \"document_count\": 3}, \"entries\": []}").contains("master")
        );
    }
}
