//! The lines of `decisions.jsonl`: one decision each, sorted by term and time.
//!
//! The file is a set of lines. Two people who decide on different terms change different places of it, so that git merges their work by
//! itself; where both add beside each other, keeping both sides is right, because lines are put in order again whenever the file is
//! written, and of two decisions on one point of a term the newer stands. A journal that only grows at its end would conflict at each merge;
//! one JSON document would need its commas mended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a person decided on a term.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ruling {
    /// It stays as it is; its flag is answered.
    Keep,
    /// It is left out.
    Drop,
    /// It stays under this name.
    Rename(String),
    /// It becomes a spelling of the term with this comparison form.
    Merge(String),
    /// The documents that spell it so mean another term, which has this name, or is called as it is spelt.
    Split(String, Option<String>),
    /// It is of this kind; empty for none.
    Kind(String),
    /// It is of this category; empty for none.
    Category(String),
    /// Words for people; empty takes the note back.
    Note(String),
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Line", into = "Line")]
pub struct Decision {
    /// Comparison form of the term: a decision belongs to it, whatever file, prompt or model the term comes from.
    pub term: String,
    /// Time at which it was made; none for a line that somebody wrote by hand, which counts as the newest until a command dates it.
    pub at: Option<Timestamp>,
    /// The decision.
    pub ruling: Ruling,
    /// The term as it was shown to who decided.
    pub text: String,
}

/// Reason for which decisions cannot be used, with the lines that are wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecisionsError(pub String);

/// A line as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    term: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(rename = "do")]
    act: Act,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    into: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spelling: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    Keep,
    Drop,
    Rename,
    Merge,
    Split,
    Retype,
    Note,
}

impl From<Decision> for Line {
    fn from(decision: Decision) -> Self {
        let Decision { term, at, ruling, text } = decision;
        let text = (text != term).then_some(text);
        let bare = |act| Self {
            term,
            text,
            act,
            to: None,
            into: None,
            spelling: None,
            kind: None,
            category: None,
            note: None,
            at,
        };
        match ruling {
            Ruling::Keep => bare(Act::Keep),
            Ruling::Drop => bare(Act::Drop),
            Ruling::Rename(to) => Self { to: Some(to), ..bare(Act::Rename) },
            Ruling::Merge(into) => Self { into: Some(into), ..bare(Act::Merge) },
            Ruling::Split(spelling, to) => Self { spelling: Some(spelling), to, ..bare(Act::Split) },
            Ruling::Kind(kind) => Self { kind: Some(kind), ..bare(Act::Retype) },
            Ruling::Category(category) => Self { category: Some(category), ..bare(Act::Retype) },
            Ruling::Note(note) => Self { note: Some(note), ..bare(Act::Note) },
        }
    }
}

impl TryFrom<Line> for Decision {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let Line { term, text, act, to, into, spelling, kind, category, note, at } = line;
        if term.trim().is_empty() || term.contains('\0') {
            return Err("its \"term\" is empty".to_owned());
        }
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let given = [("to", &to), ("into", &into), ("spelling", &spelling), ("kind", &kind), ("category", &category)];
        let given: Vec<&str> =
            given.iter().chain([&("note", &note)]).filter(|(_, v)| v.is_some()).map(|(name, _)| *name).collect();
        let ruling = match (act, to, into, spelling, kind, category, note) {
            (Act::Keep, None, None, None, None, None, None) => Ruling::Keep,
            (Act::Drop, None, None, None, None, None, None) => Ruling::Drop,
            (Act::Rename, Some(to), None, None, None, None, None) => Ruling::Rename(words(to)),
            (Act::Merge, None, Some(into), None, None, None, None) => Ruling::Merge(into),
            (Act::Split, to, None, Some(spelling), None, None, None) => Ruling::Split(spelling, to.map(words)),
            (Act::Retype, None, None, None, Some(kind), None, None) => Ruling::Kind(words(kind)),
            (Act::Retype, None, None, None, None, Some(category), None) => Ruling::Category(words(category)),
            (Act::Note, None, None, None, None, None, Some(note)) => Ruling::Note(note.trim().to_owned()),
            _ => return Err(not_whole(act, &given)),
        };
        let text = text.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| term.clone());
        Ok(Self { term, at, ruling, text })
    }
}

fn not_whole(act: Act, given: &[&str]) -> String {
    let (word, wants) = match act {
        Act::Keep => ("keep", "nothing more"),
        Act::Drop => ("drop", "nothing more"),
        Act::Rename => ("rename", "\"to\""),
        Act::Merge => ("merge", "\"into\""),
        Act::Split => ("split", "\"spelling\", and \"to\" if it gets a name"),
        Act::Retype => ("retype", "\"kind\" or \"category\""),
        Act::Note => ("note", "\"note\""),
    };
    let given = if given.is_empty() { "nothing".to_owned() } else { given.join(", ") };
    format!("\"{word}\" goes with {wants}, and the line has {given}")
}

impl Decision {
    /// The decisions of a file, in its order.
    ///
    /// # Errors
    /// The first line that is none, by its number. Empty lines are passed over.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, DecisionsError> {
        let text = std::str::from_utf8(bytes).map_err(|e| DecisionsError(format!("it is no UTF-8 text ({e})")))?;
        let mut decisions = Vec::new();
        for (n, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
                return Err(DecisionsError(format!(
                    "line {n} is a conflict mark of git; keep the lines of both sides and take the marks out"
                )));
            }
            let decision = serde_json::from_str(line).map_err(|e| {
                DecisionsError(format!("line {n} is no decision ({e}); mend it, or take it out: '{}'", line.trim()))
            })?;
            decisions.push(decision);
        }
        Ok(decisions)
    }

    /// The bytes of a file of these decisions, in their order.
    ///
    /// # Panics
    /// Never: a decision has string keys and no number.
    pub fn write_all(decisions: &[Self]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for decision in decisions {
            serde_json::to_writer(&mut bytes, decision).expect("string keys and no number");
            bytes.push(b'\n');
        }
        bytes
    }

    /// The decision in words, as messages quote it.
    pub fn says(&self) -> String {
        match &self.ruling {
            Ruling::Keep => "keep".to_owned(),
            Ruling::Drop => "drop".to_owned(),
            Ruling::Rename(to) => format!("rename to '{to}'"),
            Ruling::Merge(into) => format!("merge into '{into}'"),
            Ruling::Split(spelling, None) => format!("split '{spelling}' out"),
            Ruling::Split(spelling, Some(to)) => format!("split '{spelling}' out as '{to}'"),
            Ruling::Kind(kind) => format!("kind '{kind}'"),
            Ruling::Category(category) => format!("category '{category}'"),
            Ruling::Note(note) => format!("note '{note}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_each_line_says_what_it_is() {
        let at = "2026-11-27T10:00:00.25Z".parse().ok();
        let rulings = [
            Ruling::Keep,
            Ruling::Drop,
            Ruling::Rename("Cinder \"Worm\"".into()),
            Ruling::Merge("ash choir".into()),
            Ruling::Split("Bank".into(), None),
            Ruling::Split("Bank".into(), Some("Bank of a river".into())),
            Ruling::Kind("place".into()),
            Ruling::Category(String::new()),
            Ruling::Note("seen by Ada\nand Bo".into()),
        ];
        let all: Vec<Decision> = rulings
            .into_iter()
            .map(|ruling| Decision { term: "wyrm".into(), at, ruling, text: "Wyrm".into() })
            .collect();
        let bytes = Decision::write_all(&all);
        assert_eq!(Decision::read_all(&bytes).unwrap(), all);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), all.len());
        assert_eq!(
            text.lines().nth(2).unwrap(),
            r#"{"term":"wyrm","text":"Wyrm","do":"rename","to":"Cinder \"Worm\"","at":"2026-11-27T10:00:00.25Z"}"#
        );
    }

    #[test]
    fn lines_that_are_no_decision_are_named_with_what_is_wrong() {
        let error = |text: &str| Decision::read_all(text.as_bytes()).unwrap_err().to_string();
        assert!(error("\n{").contains("line 2 is no decision"));
        assert!(error(r#"{"term":"a","do":"burn"}"#).contains("unknown variant `burn`"));
        assert!(error(r#"{"term":"a","do":"rename"}"#).contains("goes with \"to\", and the line has nothing"));
        assert!(error(r#"{"term":"a","do":"keep","to":"b"}"#).contains("goes with nothing more, and the line has to"));
        assert!(error(r#"{"term":" ","do":"keep"}"#).contains("\"term\" is empty"));
        assert!(error(r#"{"term":"a","do":"keep","why":"b"}"#).contains("unknown field `why`"));
        assert!(error(r#"{"term":"a","do":"keep","at":"yesterday"}"#).contains("line 1 is no decision"));
        assert!(error("<<<<<<< mine\n").contains("keep the lines of both sides"));
    }
}
