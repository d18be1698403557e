//! Paths of documents relative to the input root, as text that survives any file name.

use serde::{Deserialize, Serialize};

use super::Shown;

/// A document's path relative to the input root, `/`-separated, as UTF-8.
///
/// A backslash and every byte that is not part of valid UTF-8 are written `\xNN`, so that each file name has
/// exactly one such text and the name can be had back. All other characters stand for themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourcePath(String);

impl SourcePath {
    /// From a relative path's raw bytes (`/`-separated).
    pub fn from_bytes(mut bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        loop {
            let (valid, rest) = match std::str::from_utf8(bytes) {
                Ok(valid) => (valid, &[][..]),
                Err(e) => {
                    let (valid, rest) = bytes.split_at(e.valid_up_to());
                    (std::str::from_utf8(valid).expect("checked up to here"), rest)
                }
            };
            for c in valid.chars() {
                if c == '\\' { text.push_str("\\x5C") } else { text.push(c) }
            }
            let Some((bad, after)) = rest.split_first() else { return Self(text) };
            let digit = |n: u8| char::from_digit(n.into(), 16).expect("four bits").to_ascii_uppercase();
            text.extend(['\\', 'x', digit(bad >> 4), digit(bad & 15)]);
            bytes = after;
        }
    }

    /// From text in the form that [`SourcePath::as_str`] gives, as it stands in a store or an event.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The raw bytes of the file name.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let code =
                after.get(1..3).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
            match (first, after.first(), code) {
                (b'\\', Some(b'x'), Some(byte)) => {
                    out.push(byte);
                    rest = &after[3..];
                }
                _ => {
                    out.push(first);
                    rest = after;
                }
            }
        }
        out
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As it is shown to people, see [`Shown`].
impl std::fmt::Display for SourcePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Shown(&self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            prop_assert_eq!(SourcePath::from_bytes(&bytes).to_bytes(), bytes);
        }

        #[test]
        fn names_with_backslashes_come_back(name in "[a\\\\x4F]{0,12}") {
            prop_assert_eq!(SourcePath::from_bytes(name.as_bytes()).to_bytes(), name.as_bytes());
        }
    }
}
