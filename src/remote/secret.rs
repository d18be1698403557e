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

/// Headers that a person gave for every request. Their values have no way out but into a request: `Debug` shows names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraHeaders {
    all: Vec<(String, String)>,
    /// Words of those that are credentials by their name.
    secrets: Vec<ApiKey>,
}

/// Header that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No header has this name.
    #[error("'{0}' is not the name of a header")]
    Name(String),
    /// The program sends it itself.
    #[error("the header '{0}' is this program's own{1}")]
    Own(String, &'static str),
    /// A line break, or a letter outside ASCII. Says nothing of the value.
    #[error("the value of the header '{0}' holds a character that no header may hold")]
    Value(String),
}

/// Headers that describe the connection or the body.
const FRAMING: [&str; 5] = ["host", "content-length", "content-type", "transfer-encoding", "connection"];

/// Parts of names of headers that carry credentials.
const CREDENTIALS: [&str; 6] = ["auth", "key", "token", "secret", "cookie", "password"];

impl ExtraHeaders {
    /// Judges headers by name and value. `key_header` is the one that carries the API key.
    ///
    /// # Errors
    /// For the first that cannot be sent.
    pub fn new(given: impl IntoIterator<Item = (String, String)>, key_header: &str) -> Result<Self, HeaderError> {
        let mut headers = Self::default();
        for (name, value) in given {
            let lower = name.to_ascii_lowercase();
            if lower.is_empty() || !lower.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
            {
                return Err(HeaderError::Name(name));
            }
            if lower == key_header {
                return Err(HeaderError::Own(name, "; give the key in its variable, or in a file to --key-file"));
            }
            if FRAMING.contains(&lower.as_str()) {
                return Err(HeaderError::Own(name, ""));
            }
            if !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
                return Err(HeaderError::Value(name));
            }
            if CREDENTIALS.iter().any(|part| lower.contains(part)) {
                headers.secrets.extend(value.split(' ').filter_map(|word| ApiKey::new(word).ok()));
            }
            headers.all.push((lower, value));
        }
        Ok(headers)
    }

    /// Names and values, for a request and nothing else.
    pub(super) fn exposed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What may stand in no message.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &ApiKey> {
        self.secrets.iter()
    }
}

impl std::fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|(name, _)| name)).finish()
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

    #[test]
    fn headers_are_judged_and_their_values_are_never_shown() {
        let of = |name: &str, value: &str| ExtraHeaders::new([(name.to_owned(), value.to_owned())], "x-api-key");
        let headers = of("Proxy-Authorization", "Bearer sk-abc_123").unwrap();
        assert_eq!(headers.exposed().collect::<Vec<_>>(), [("proxy-authorization", "Bearer sk-abc_123")]);
        assert!(!format!("{headers:?}").contains("abc") && format!("{headers:?}").contains("proxy-authorization"));
        let struck = |text: &str| headers.secrets().fold(text.to_owned(), |text, secret| secret.redact(&text));
        assert_eq!(struck("bad token sk-abc_123."), "bad token [key].");
        assert_eq!(of("x-team", "dragons").unwrap().secrets().count(), 0, "an answer about dragons stays as it is");
        assert_eq!(of("x team", "a").unwrap_err(), HeaderError::Name("x team".into()));
        assert!(of("X-API-Key", "a").unwrap_err().to_string().contains("--key-file"));
        assert!(matches!(of("Host", "a").unwrap_err(), HeaderError::Own(..)));
        for bad in ["two\nlines", "größe"] {
            assert!(!of("x-team", bad).unwrap_err().to_string().contains(bad));
        }
    }
}
