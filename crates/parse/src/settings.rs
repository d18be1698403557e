use std::collections::BTreeMap;

use super::ocr::{OcrCount, OcrSettings};

/// Wishes of the person running the program about parsing.
#[derive(Clone, Default)]
pub struct ParseSettings {
    /// Passwords to try on encrypted documents, after the empty one. They never leave this value.
    pub passwords: Vec<String>,
    /// Recognition of pages that are pictures.
    pub ocr: OcrSettings,
    /// Count of such pages.
    pub ocr_count: OcrCount,
    /// Pages or chapters that are not read, by number from 1, each with the reason: reading them ended an earlier attempt.
    pub left_out: BTreeMap<u32, String>,
}

/// Without the passwords: what is shown for debugging ends up in logs.
impl std::fmt::Debug for ParseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParseSettings")
            .field("passwords", &self.passwords.len())
            .field("ocr", &self.ocr)
            .finish_non_exhaustive()
    }
}
