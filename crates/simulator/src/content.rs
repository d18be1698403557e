//! Words of the simulated model, and what a fault makes of them.

use std::fmt::Write;

use serde_json::Value;

use super::{Fault, tokens};

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// Thoughts before the answer.
    Thinking(String),
    /// Text.
    Text(String),
    /// The beginning of a message that was not finished.
    Fragment(String),
    /// Input of a tool.
    Tool(Value),
}

/// Reason for which the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    End,
    MaxTokens,
    Refusal,
}

/// A message of the simulated model, in no vendor's shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    pub(super) blocks: Vec<Block>,
    pub(super) stop: Stop,
    /// Output tokens, thoughts included.
    pub(super) tokens: u64,
    /// Thoughts among them.
    pub(super) thoughts: u64,
}

/// Tokens of thought before the first word, where a model thinks much.
const THOUGHTS: u64 = 4_000;

/// Bytes of white space in an answer that is far too long.
const HUGE: usize = 1 << 20;

/// The answer as the model gives it: as a tool's input if one is demanded, and cut where its budget ends.
pub(super) fn content(answer: &Value, tool: bool, budget: u64, fault: Option<Fault>) -> Content {
    let text = answer.to_string();
    let whole = tokens::count(&text);
    let nothing = |stop| Content { blocks: Vec::new(), stop, tokens: 0, thoughts: 0 };
    if fault == Some(Fault::Refusal) {
        return nothing(Stop::Refusal);
    }
    if fault == Some(Fault::Empty) {
        return nothing(Stop::End);
    }
    if fault == Some(Fault::ThinkingEatsBudget) {
        let thoughts = THOUGHTS.min(budget);
        let mut said = content(answer, tool, budget - thoughts, None);
        if thoughts + whole > budget {
            said = nothing(Stop::MaxTokens);
        }
        said.blocks.insert(0, Block::Thinking("Many thoughts.".into()));
        return Content { tokens: said.tokens + thoughts, thoughts, ..said };
    }
    if fault == Some(Fault::MaxTokens) || whole > budget {
        let most = if whole > budget { budget } else { whole * 6 / 10 };
        let kept = tokens::first(&text, most).to_owned();
        let tokens = tokens::count(&kept);
        return Content { blocks: vec![Block::Text(kept)], stop: Stop::MaxTokens, tokens, thoughts: 0 };
    }
    let blocks = match fault {
        Some(Fault::WrongTypes) => said(tool, numbers_for_strings(answer.clone())),
        Some(Fault::WrongCount) => said(tool, wrong_count(answer.clone())),
        Some(Fault::ToolInstead) => vec![Block::Tool(answer.clone())],
        Some(Fault::TextBeforeTool) => vec![Block::Text("Here it is.".into()), Block::Tool(answer.clone())],
        Some(Fault::ThinkingFirst) => {
            let mut blocks = said(tool, answer.clone());
            blocks.insert(0, Block::Thinking("Terms, then definitions.".into()));
            blocks
        }
        Some(Fault::FragmentFirst) => {
            let mut blocks = said(tool, answer.clone());
            blocks.insert(0, Block::Fragment(tokens::first(&text, 5).to_owned()));
            blocks
        }
        _ if tool => vec![Block::Tool(answer.clone())],
        Some(Fault::SeveralBlocks) => {
            let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
            vec![Block::Text(first.to_owned()), Block::Text(second.to_owned())]
        }
        Some(Fault::CodeFence) => vec![Block::Text(format!("```json\n{text}\n```"))],
        Some(Fault::TextAround) => vec![Block::Text(format!("Sure, here are the terms:\n{text}\nAnything else?"))],
        Some(Fault::NotJson) => vec![Block::Text("I found some terms in the text, but I will not list them.".into())],
        Some(Fault::UnicodeEscapes) => vec![Block::Text(escaped(&text))],
        Some(Fault::LoneSurrogate) => vec![Block::Text(in_last_string(&text, "\\ud83d"))],
        Some(Fault::Nul) => vec![Block::Text(in_last_string(&text, "\\u0000"))],
        Some(Fault::RawControls) => vec![Block::Text(text.replace(' ', "\n"))],
        Some(Fault::Huge) => vec![Block::Text(format!("{text}{}", "\n".repeat(HUGE)))],
        _ => vec![Block::Text(text)],
    };
    Content { blocks, stop: Stop::End, tokens: whole, thoughts: 0 }
}

fn said(tool: bool, answer: Value) -> Vec<Block> {
    vec![if tool { Block::Tool(answer) } else { Block::Text(answer.to_string()) }]
}

fn numbers_for_strings(value: Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.len()),
        Value::Array(list) => list.into_iter().map(numbers_for_strings).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, numbers_for_strings(v))).collect(),
        other => other,
    }
}

fn wrong_count(mut answer: Value) -> Value {
    let list = answer.as_object_mut().and_then(|o| o.values_mut().find_map(Value::as_array_mut));
    if let Some(list) = list.filter(|l| l.len() > 1) {
        list.remove(0);
        list.extend(list.last().cloned());
    }
    answer
}

/// Every letter inside a string as an escape.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 4);
    let (mut inside, mut skip) = (false, 0);
    for c in json.chars() {
        if skip > 0 {
            skip -= 1;
        } else if c == '"' {
            inside = !inside;
        } else if c == '\\' {
            skip = 1;
        } else if inside && c.is_ascii_alphabetic() {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
            continue;
        }
        out.push(c);
    }
    out
}

/// The text with `insert` at the end of its last string value, if it has one.
fn in_last_string(json: &str, insert: &str) -> String {
    match json.rfind('"') {
        Some(at) if json[at + 1..].starts_with(':') => json.to_owned(),
        Some(at) => format!("{}{insert}{}", &json[..at], &json[at..]),
        None => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn escapes_and_fences_keep_what_is_said_and_a_small_budget_cuts_it() {
        let answer = json!({"items": [{"term": "Salt \"Lantern\"", "definition": "A lamp."}]});
        let text = |fault| match &content(&answer, false, 1_000, fault).blocks[..] {
            [Block::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(serde_json::from_str::<Value>(&text(Some(Fault::UnicodeEscapes))).unwrap(), answer);
        assert!(text(Some(Fault::UnicodeEscapes)).contains("\\u0074"));
        assert!(serde_json::from_str::<Value>(&text(Some(Fault::LoneSurrogate))).is_err());
        let cut = content(&answer, false, 6, None);
        assert_eq!((cut.stop, cut.tokens <= 6), (Stop::MaxTokens, true));
    }
}
