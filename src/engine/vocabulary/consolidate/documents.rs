//! Documents of a consolidation, by the numbers that its runs know them by.

use crate::store::{ConsolidationState, StoreError};
use crate::values::Fingerprint;

/// Documents there are, by the numbers that the runs know them by.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// Files that can be used.
    pub(super) known: Vec<bool>,
    /// Of these, the ones that count.
    pub(super) live: Vec<bool>,
    pub(super) count: u64,
    pub(super) copies: u64,
}

impl Documents {
    pub(super) fn of(state: &ConsolidationState, mut each: impl FnMut(&str, &Fingerprint)) -> Result<Self, StoreError> {
        let mut documents = Self::default();
        state.files(|number, path, sha, counts| {
            let n = number as usize;
            if documents.known.len() <= n {
                documents.known.resize(n + 1, false);
                documents.live.resize(n + 1, false);
            }
            documents.known[n] = true;
            documents.live[n] = counts;
            match counts {
                true => {
                    documents.count += 1;
                    each(path, sha);
                }
                false => documents.copies += 1,
            }
        })?;
        Ok(documents)
    }

    pub(super) fn is_live(&self, number: u32) -> bool {
        self.live.get(number as usize).copied().unwrap_or(false)
    }

    pub(super) fn is_known(&self, number: u32) -> bool {
        self.known.get(number as usize).copied().unwrap_or(false)
    }
}
