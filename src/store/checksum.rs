//! Checksums of what is stored: of its bytes and of what they belong to, so that neither a turned bit nor a row in another's place passes.

use super::{DocId, FpId, Generation, ResponseId};
use crate::values::{Fingerprint, KeyWriter};

/// Thing in the store that has a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certified<'a> {
    /// Result of a stage: of a document, by number and content.
    Artifact(FpId, DocId, &'a Fingerprint),
    /// Answer to a unit under a question.
    Answer(FpId, &'a Fingerprint, Generation),
    /// Response of a provider to units, their content keys one after the other.
    Raw(ResponseId, &'a [u8]),
}

/// The checksum of `bytes` as such a thing.
pub(super) fn checksum(thing: Certified<'_>, bytes: &[u8]) -> i64 {
    let key = match thing {
        Certified::Artifact(fp, doc, sha) => {
            KeyWriter::new("artifact").number(fp.0.cast_unsigned()).number(doc.0.cast_unsigned()).key(sha)
        }
        Certified::Answer(question, unit, generation) => {
            KeyWriter::new("answer").number(question.0.cast_unsigned()).key(unit).number(generation.0.cast_unsigned())
        }
        Certified::Raw(id, units) => KeyWriter::new("raw").number(id.0.cast_unsigned()).bytes(units),
    };
    first_of(&key.bytes(bytes).finish())
}

/// First 8 bytes of a digest, as SQLite keeps them.
pub(super) fn first_of(digest: &Fingerprint) -> i64 {
    i64::from_le_bytes(digest.0[..8].try_into().expect("8 of 32 bytes"))
}

/// Test whether bytes are as they were stored. What an older program stored has no sum, and is taken as it is.
pub(super) fn is_sound(thing: Certified<'_>, bytes: &[u8], sum: Option<i64>) -> bool {
    sum.is_none_or(|sum| sum == checksum(thing, bytes))
}
