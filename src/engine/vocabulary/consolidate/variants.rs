//! Possible variants: terms of the master that may be the same under another spelling.

use std::path::{Path, PathBuf};

use super::outcome::{ConsolidateError, record};
use crate::store::MergedRuns;
use crate::values::{PossibleVariants, VARIANTS_SCHEMA_VERSION, VariantGroup};

/// The key of a record: the variant key, then the canonical form.
pub(super) fn key(variant: &str, canonical: &str) -> Vec<u8> {
    [variant.as_bytes(), &[0], canonical.as_bytes()].concat()
}

/// The groups of terms that share a key, from sorted runs below a folder.
pub(super) fn groups(folder: &Path, runs: &[PathBuf]) -> Result<PossibleVariants, ConsolidateError> {
    let mut groups: Vec<VariantGroup> = Vec::new();
    let mut last: Option<Vec<u8>> = None;
    let mut records = MergedRuns::open(runs)?;
    while let Some((key, value)) = records.advance()? {
        let variant = key.split(|byte| *byte == 0).next().unwrap_or_default();
        let term = record(folder, &value)?;
        match groups.last_mut().filter(|_| last.as_deref() == Some(variant)) {
            Some(group) => group.terms.push(term),
            None => {
                // Most keys have one term: they are not kept.
                groups.pop_if(|group| group.terms.len() < 2);
                groups.push(VariantGroup { terms: vec![term] });
                last = Some(variant.to_vec());
            }
        }
    }
    groups.pop_if(|group| group.terms.len() < 2);
    // Terms that share several keys are one group.
    groups.sort_by(|a, b| a.names().cmp(b.names()));
    groups.dedup();
    Ok(PossibleVariants { schema_version: VARIANTS_SCHEMA_VERSION, groups })
}
