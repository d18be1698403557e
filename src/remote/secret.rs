//! API keys, kept where nothing can print them.

/// An API key. It has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// Reason for which a key cannot be used. Says nothing of the key itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("it is empty")]
    Empty,
    /// It holds what no key holds.
    #[error(
        "it holds a character that no API key has (a space, a line break, a quotation mark or a letter outside ASCII); copy it again"
    )]
    Characters,
}

impl ApiKey {
    /// Judges a key; white space around it is taken off.
    ///
    /// # Errors
    /// If it cannot be a key.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            Err(KeyError::Empty)
        } else if !text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'')) {
            Err(KeyError::Characters)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The key, for a request's header and nothing else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Test whether the key stands somewhere in some bytes.
    pub(super) fn stands_in(&self, bytes: &[u8]) -> bool {
        let key = self.0.as_bytes();
        bytes.windows(key.len()).any(|window| window == key)
    }

    /// `text` without the key, for messages that repeat what a server said.
    pub(super) fn redact(&self, text: &str) -> String {
        // A key so short that it would strike out ordinary words is none.
        if self.0.len() < 6 { text.to_owned() } else { text.replace(&self.0, "[key]") }
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_judged_and_never_shown() {
        let key = ApiKey::new(" sk-abc_123\n").unwrap();
        assert_eq!(key.expose(), "sk-abc_123");
        assert!(!format!("{key:?}").contains("abc"));
        assert_eq!(key.redact("bad key sk-abc_123."), "bad key [key].");
        assert_eq!(ApiKey::new(" \n"), Err(KeyError::Empty));
        for bad in ["sk abc", "\"sk-abc\"", "sk-äbc", "a\nb"] {
            assert_eq!(ApiKey::new(bad), Err(KeyError::Characters));
        }
    }
}
