//! Content keys: an equal key means an interchangeable result.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Lowercase hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char]).collect()
    }

    /// The digest written as `hex`, if it is one.
    pub fn from_hex(hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut out = [0; 32];
        for (i, byte) in out.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(Self(out))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

impl From<Fingerprint> for String {
    fn from(f: Fingerprint) -> Self {
        f.hex()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(hex: String) -> Result<Self, String> {
        Self::from_hex(&hex).ok_or_else(|| format!("'{hex}' is not a SHA-256 digest of 64 hexadecimal digits"))
    }
}

/// Builds a [`Fingerprint`] from fields in a fixed order. Each field is written with its length before it
/// (little-endian, 8 bytes), so that no two field lists share an encoding. `std::hash::Hash` is not used: its
/// output is not promised to stay the same between compilers and machines.
#[derive(Clone)]
pub struct KeyWriter(Sha256);

impl KeyWriter {
    /// Starts a key of the given kind; kinds never collide with each other.
    pub fn new(kind: &str) -> Self {
        Self(Sha256::new()).bytes(kind.as_bytes())
    }

    /// Adds raw bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, n: u64) -> Self {
        self.bytes(&n.to_le_bytes())
    }

    /// Adds an optional text; absent differs from empty.
    #[must_use]
    pub fn optional(self, text: Option<&str>) -> Self {
        match text {
            Some(t) => self.number(1).text(t),
            None => self.number(0),
        }
    }

    /// Adds another key.
    #[must_use]
    pub fn key(self, key: &Fingerprint) -> Self {
        self.bytes(&key.0)
    }

    /// The finished key.
    pub fn finish(self) -> Fingerprint {
        Fingerprint(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(fields: &[String]) -> Fingerprint {
        fields.iter().fold(KeyWriter::new("test"), |w, f| w.text(f)).finish()
    }

    proptest! {
        #[test]
        fn different_field_lists_never_share_a_key(a in proptest::collection::vec(".{0,4}", 0..4), b in proptest::collection::vec(".{0,4}", 0..4)) {
            prop_assert_eq!(a == b, key(&a) == key(&b));
        }

        #[test]
        fn a_border_that_is_moved_makes_another_key(a in proptest::collection::vec("[ab\0\u{80}]{0,4}", 1..5), at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
            // The same text in other fields: one of them cut in two, or joined with the next.
            let (n, mut cut, mut joined) = (at.index(a.len()), a.clone(), a.clone());
            let place = a[n].char_indices().map(|(at, _)| at).chain([a[n].len()]).nth(to.index(a[n].chars().count() + 1)).unwrap();
            let rest = cut[n].split_off(place);
            cut.insert(n + 1, rest);
            prop_assert_ne!(key(&a), key(&cut));
            if n + 1 < a.len() {
                let next = joined.remove(n + 1);
                joined[n].push_str(&next);
                prop_assert_ne!(key(&a), key(&joined));
                let (moved, whole) = (joined[n].clone(), a[n].clone());
                let place = moved.char_indices().map(|(at, _)| at).chain([moved.len()]).nth(to.index(moved.chars().count() + 1)).unwrap();
                let mut other = a.clone();
                (other[n], other[n + 1]) = (moved[..place].to_owned(), moved[place..].to_owned());
                prop_assert_eq!(other[n] == whole, key(&other) == key(&a));
            }
        }

        #[test]
        fn hex_round_trips(bytes in any::<[u8; 32]>()) {
            let f = Fingerprint(bytes);
            prop_assert_eq!(Fingerprint::from_hex(&f.hex()), Some(f));
        }
    }

    #[test]
    fn the_encoding_is_frozen() {
        // Stores on disk hold these keys: a change here makes every checkpoint of every user stale.
        let k = KeyWriter::new("stage").text("parse").number(1).optional(None).optional(Some("")).finish();
        assert_eq!(k.hex(), "aab19d8f8554bfd355eee3bcb2d50970d0e920891ab5eb4de936cacdc1888bb0");
    }
}
