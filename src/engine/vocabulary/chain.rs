//! Manifest of the chain from books to vocabulary files: content hashes and keys, so that somebody else who has a book and the pipeline can
//! run it and hold his own manifest against this one.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Deserialize;
use serde_json::{Value, json};

use super::verify::{each_file, hash_of};
use crate::store::{FpId, Reader, StageFps, Store, StoreError, output_place};
use crate::values::{Fingerprint, SourcePath, Stage, canonical_json};

/// Failure of writing or reading a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The manifest cannot be written.
    #[error("the manifest cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Chain of one document, as a manifest tells it. Other members stand in a manifest for people.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChainedDocument {
    /// SHA-256 of the input, hexadecimal.
    pub input_sha256: String,
    /// SHA-256 of the vocabulary file, hexadecimal; none if it is missing.
    pub output_sha256: Option<String>,
}

/// Manifest as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chain {
    /// Key of the last stage: it stands for everything that decides the bytes of a vocabulary file, apart from the document and its path.
    pub key: String,
    /// The documents, by path.
    pub documents: BTreeMap<String, ChainedDocument>,
}

/// Writes the manifest of a folder as canonical JSON, a document a line.
///
/// # Errors
/// If the store cannot be read, or `to` not written.
pub fn write_chain(
    store: &Store,
    reader: &Reader,
    (fps, question): (&StageFps, FpId),
    to: &mut dyn Write,
) -> Result<(), ChainError> {
    let described = |fp| -> Result<Value, StoreError> {
        let Some((key, spec)) = reader.key_of(fp)? else { return Ok(Value::Null) };
        let settings: Value = serde_json::from_str(&spec).unwrap_or(Value::Null);
        Ok(json!({"key": key.hex(), "settings": settings}))
    };
    let mut stages = serde_json::Map::new();
    for (stage, fp) in fps.iter() {
        stages.insert(stage.name().to_owned(), described(*fp)?);
    }
    let key = reader.key_of(fps[Stage::Write])?.map(|(key, _)| key.hex());
    let head = canonical_json(&json!({
        "chain_version": 1, "corpora_version": env!("CARGO_PKG_VERSION"), "key": key, "stages": stages,
        "question": described(question)?,
    }));
    write!(to, "{},\n\"documents\":{{", head.strip_suffix('}').unwrap_or(&head))?;
    let mut comma = "";
    each_file(reader, fps, &mut |file| {
        let mut results = serde_json::Map::new();
        for stage in Stage::of_documents() {
            let hash = reader.result_hash(fps, stage, file.doc)?;
            results.insert(stage.name().to_owned(), json!(hash.map(|hash| hash.hex())));
        }
        let place = file.output.as_deref().and_then(|name| output_place(store.output(), name).ok());
        let line = json!({
            "input_sha256": file.sha.hex(), "bytes": file.bytes, "results_sha256": results, "output": file.output,
            "output_sha256": place.and_then(|place| hash_of(&place).ok()).map(|hash: Fingerprint| hash.hex()),
        });
        write!(to, "{comma}\n{}:{}", Value::from(file.path.as_str()), canonical_json(&line))?;
        comma = ",";
        Ok::<_, ChainError>(())
    })?;
    Ok(to.write_all(b"\n}}\n")?)
}

/// Comparison of a document of somebody's manifest with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// The same content gave the same vocabulary file.
    Same,
    /// The same content gave another vocabulary file here.
    Different,
    /// Nothing here was made of that content.
    NotHere,
}

/// Compares each document of a manifest with what this folder has of the same content; `told` gets its path and the outcome. It means
/// something where the keys are equal. A vocabulary file names its source, so the path has to be the same too.
///
/// # Errors
/// If the store cannot be read.
pub fn compare_chain(
    store: &Store,
    reader: &Reader,
    fps: &StageFps,
    theirs: &Chain,
    told: &mut dyn FnMut(&SourcePath, Agreement),
) -> Result<(), StoreError> {
    let mut here: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
    each_file(reader, fps, &mut |file| {
        let path = file.path.as_str().to_owned();
        if theirs.documents.contains_key(&path) {
            let place = file.output.as_deref().and_then(|name| output_place(store.output(), name).ok());
            let output = place.and_then(|place| hash_of(&place).ok()).map(|hash| hash.hex());
            here.insert(path, (file.sha.hex(), output));
        }
        Ok::<_, StoreError>(())
    })?;
    for (path, document) in &theirs.documents {
        let agreement = match here.get(path) {
            Some((input, Some(output))) if *input == document.input_sha256 => match &document.output_sha256 {
                Some(theirs) if theirs == output => Agreement::Same,
                _ => Agreement::Different,
            },
            _ => Agreement::NotHere,
        };
        told(&SourcePath::from_text(path.as_str()), agreement);
    }
    Ok(())
}
