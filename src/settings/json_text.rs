//! Values that are lists or tables: in the settings file written as such, elsewhere as JSON.

use std::convert::Infallible;
use std::str::FromStr;

use serde_json::{Map, Value};

/// A value as text: JSON, or where a single text will do, that text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonText(String);

impl FromStr for JsonText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl JsonText {
    /// A list of texts; what is no JSON list is a single text.
    pub(super) fn texts(&self) -> Result<Vec<String>, &'static str> {
        if !self.0.trim_start().starts_with('[') {
            return Ok(vec![self.0.clone()]);
        }
        serde_json::from_str(&self.0).map_err(|_| "a list of texts, as [\"END\", \"###\"]")
    }

    /// An object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, &'static str> {
        serde_json::from_str(&self.0).map_err(|_| "a JSON object, as {\"top_k\": 40}")
    }

    /// Texts by name; lines of `Name: value` will do too.
    pub(super) fn named_texts(&self) -> Result<Vec<(String, String)>, &'static str> {
        let wanted = "a line 'Name: value' for each, or a JSON object of texts";
        if self.0.trim_start().starts_with('{') {
            let all: Map<String, Value> = serde_json::from_str(&self.0).map_err(|_| wanted)?;
            let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
            return all.into_iter().map(text).collect::<Option<_>>().ok_or(wanted);
        }
        let lines = self.0.lines().filter(|line| !line.trim().is_empty());
        let pair =
            |line: &str| line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        lines.map(pair).collect::<Option<_>>().ok_or(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_text_and_json_are_both_understood() {
        let of = |text: &str| JsonText(text.to_owned());
        assert_eq!(of("END").texts().unwrap(), ["END"]);
        assert_eq!(of("[\"a\", \"b,c\"]").texts().unwrap(), ["a", "b,c"]);
        assert!(of("[1]").texts().is_err() && of("top_k=4").object().is_err() && of("[]").object().is_err());
        let pairs = [("X-Team".to_owned(), "a: b".to_owned()), ("x-two".to_owned(), "c".to_owned())];
        assert_eq!(of("X-Team: a: b\nx-two: c\n").named_texts().unwrap(), pairs);
        assert_eq!(of("{\"X-Team\": \"a: b\", \"x-two\": \"c\"}").named_texts().unwrap(), pairs);
        assert!(of("X-Team").named_texts().is_err() && of("{\"a\": 1}").named_texts().is_err());
    }
}
