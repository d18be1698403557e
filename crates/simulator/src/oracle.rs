//! Answers of the simulated model: the truth, in the shape of the schema.

use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::chance::hash;
use corpora_terms::local;

/// Knows the terms of a gold list, or finds definitions as the local provider does.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    /// Terms in lower case, longest first.
    gold: Vec<String>,
}

impl Oracle {
    /// An oracle for a list of terms; with none it answers as the local provider does.
    pub fn new(gold: &[String]) -> Self {
        let mut gold: Vec<String> = gold.iter().map(|t| t.trim().to_lowercase()).filter(|t| !t.is_empty()).collect();
        gold.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        gold.dedup();
        Self { gold }
    }

    /// The answer to a request's user text, as its schema wants it.
    pub(super) fn answer(&self, user: &str, schema: Option<&Value>) -> Value {
        let found = asked_about(user).unwrap_or_else(|| self.find(user));
        let Some(schema) = schema else {
            return json!({"items": found.iter().map(|f| json!({"term": f.term})).collect::<Vec<_>>()});
        };
        let whole = Schema { root: schema, at: schema, depth: 0 }.resolved();
        let properties = whole.at["properties"].as_object();
        let list = properties.and_then(|p| {
            let of = |(name, v)| (name, whole.below(v).resolved());
            p.iter().map(of).find(|(_, list)| list.at["type"] == "array")
        });
        let Some((name, list)) = list else { return shaped(whole, found.first().unwrap_or(&Found::default()), "") };
        let mut answer = shaped(whole, &Found::default(), "");
        let item = list.below(&list.at["items"]);
        let items: Vec<Value> = found.iter().map(|f| shaped(item, f, "")).collect();
        answer[name] = Value::Array(items);
        answer
    }

    fn find(&self, text: &str) -> Vec<Found> {
        if self.gold.is_empty() {
            return local::definitions(text)
                .into_iter()
                .map(|d| Found { term: d.term.of(text).to_owned(), sentence: d.sentence.of(text).to_owned() })
                .collect();
        }
        let lower = text.to_lowercase();
        let same_bytes = lower.len() == text.len();
        let mut found: Vec<(usize, Found)> = Vec::new();
        for term in &self.gold {
            let whole = |&(at, _): &(usize, &str)| {
                let edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
                edge(lower[..at].chars().next_back()) && edge(lower[at + term.len()..].chars().next())
            };
            if let Some((at, _)) = lower.match_indices(term.as_str()).find(whole) {
                let (source, end) = if same_bytes { (text, at + term.len()) } else { (&*lower, at + term.len()) };
                let sentence = sentence_around(source, at);
                found.push((at, Found { term: source[at..end].to_owned(), sentence }));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.term.cmp(&b.1.term)));
        found.into_iter().map(|(_, f)| f).collect()
    }
}

/// A term and where it stands.
#[derive(Debug, Clone, Default)]
struct Found {
    term: String,
    sentence: String,
}

/// The terms of a request that names them itself: lines of JSON with `text` and `sentence`, or with `text` after one with
/// the `passage` in which it stands.
fn asked_about(user: &str) -> Option<Vec<Found>> {
    let mut found = Vec::new();
    let mut passage = String::new();
    for line in user.lines().filter(|l| !l.trim().is_empty()) {
        let value: Value = serde_json::from_str(line).ok()?;
        if let Some(text) = value["passage"].as_str() {
            text.clone_into(&mut passage);
            continue;
        }
        let term = value["text"].as_str()?.to_owned();
        let sentence = match value["sentence"].as_str() {
            Some(sentence) => sentence.to_owned(),
            None => passage.find(&term).map(|at| sentence_around(&passage, at)).unwrap_or_default(),
        };
        found.push(Found { term, sentence });
    }
    (!found.is_empty()).then_some(found)
}

fn sentence_around(text: &str, at: usize) -> String {
    let mut from = text.floor_char_boundary(at.saturating_sub(400));
    let to = text.ceil_char_boundary((at + 400).min(text.len()));
    for sentence in text[from..to].split_sentence_bounds() {
        if from + sentence.len() > at {
            return sentence.trim().to_owned();
        }
        from += sentence.len();
    }
    String::new()
}

/// Depth at which a schema that contains itself is given up.
const DEEPEST: u32 = 8;

/// A place within a schema.
#[derive(Debug, Clone, Copy)]
struct Schema<'a> {
    /// The whole, to which references point.
    root: &'a Value,
    at: &'a Value,
    depth: u32,
}

impl<'a> Schema<'a> {
    fn below(self, at: &'a Value) -> Self {
        Self { at, depth: self.depth + 1, ..self }
    }

    /// The schema that this one stands for: behind references, and the first of several that is not null.
    fn resolved(self) -> Self {
        if self.depth > DEEPEST {
            return self;
        }
        if let Some(place) = self.at["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
            return self.root.pointer(place).map_or(self, |at| self.below(at).resolved());
        }
        let choices = ["anyOf", "oneOf", "allOf"].iter().find_map(|k| self.at[*k].as_array());
        match choices.and_then(|all| all.iter().find(|choice| choice["type"] != "null")) {
            Some(choice) => self.below(choice).resolved(),
            None => self,
        }
    }
}

/// A value of a schema: the term and its sentence where names ask for them, else something valid that depends on the term alone.
fn shaped(schema: Schema<'_>, found: &Found, name: &str) -> Value {
    let schema = schema.resolved();
    if schema.depth > DEEPEST {
        return Value::Null;
    }
    let at = schema.at;
    let pick = |n: usize| (hash(&[found.term.as_bytes(), name.as_bytes()]) % n.max(1) as u64) as usize;
    if let Some(choices) = at["enum"].as_array() {
        return choices.get(pick(choices.len())).cloned().unwrap_or(Value::Null);
    }
    if let Some(only) = at.get("const") {
        return only.clone();
    }
    let kind = match &at["type"] {
        Value::Array(kinds) => kinds.iter().find(|k| *k != "null").and_then(Value::as_str).unwrap_or("null"),
        other => other.as_str().unwrap_or("null"),
    };
    match kind {
        "string" => Value::String(match name {
            "text" | "term" | "name" => found.term.clone(),
            "definition" | "evidence" | "quote" | "sentence" => found.sentence.clone(),
            _ => format!("{name} of {}", found.term),
        }),
        "number" => json!((pick(101) as f64) / 100.0),
        "integer" => json!(pick(101)),
        "boolean" => json!(pick(10) == 0),
        "array" => {
            let least = at["minItems"].as_u64().unwrap_or(0) as usize;
            let item = schema.below(&at["items"]);
            Value::Array((0..pick(3).max(least)).map(|_| shaped(item, found, name)).collect())
        }
        "object" => {
            let properties = at["properties"].as_object().into_iter().flatten();
            Value::Object(
                properties.map(|(n, s)| (n.clone(), shaped(schema.below(s), found, n))).collect::<Map<_, _>>(),
            )
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gold_terms_are_found_as_whole_words_with_their_sentences_in_the_schemas_shape() {
        let oracle = Oracle::new(&["wyrm".into(), "Salt Lantern".into(), "moth".into()]);
        let schema: Value = json!({"type": "object", "properties": {"items": {"type": "array", "items": {
            "type": "object", "properties": {"term": {"type": "string"}, "definition": {"type": "string"},
            "mood": {"enum": ["dark", "light"]}, "weight": {"type": "number"}}}}}});
        let answer = oracle.answer("Mothers fear it. A salt lantern guards the Wyrm. The end.", Some(&schema));
        let items = answer["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{answer}");
        assert_eq!((&items[0]["term"], &items[1]["term"]), (&json!("salt lantern"), &json!("Wyrm")));
        assert_eq!(items[1]["definition"], "A salt lantern guards the Wyrm.");
        assert!(jsonschema::is_valid(&schema, &answer));
        let asked = oracle.answer("{\"text\": \"ash choir\", \"sentence\": \"An ash choir sang.\"}\n", Some(&schema));
        assert_eq!(asked["items"][0]["term"], "ash choir");
    }
}
