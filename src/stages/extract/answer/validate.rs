//! Holding answers to the pipeline's JSON Schema, whatever the provider promised.

use serde_json::Value;

/// A pipeline's schema, ready to judge answers and single items of their list.
#[derive(Debug)]
pub struct AnswerSchema {
    whole: jsonschema::Validator,
    item: jsonschema::Validator,
    list: String,
}

impl AnswerSchema {
    /// Reads the schema of a pipeline: an object with one property that is a list of items.
    ///
    /// # Errors
    /// A sentence, if it is not a JSON Schema or has no such list.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let whole = jsonschema::validator_for(schema).map_err(|e| format!("it is not a JSON Schema: {e}"))?;
        let (list, property) = schema["properties"]
            .as_object()
            .and_then(|properties| properties.iter().find(|(_, p)| p["type"] == "array"))
            .ok_or("it has no property of type \"array\" for the items")?;
        let mut item = property["items"].clone();
        if let (Some(item), Some(defs)) = (item.as_object_mut(), schema.get("$defs")) {
            item.insert("$defs".into(), defs.clone());
        }
        let item = jsonschema::validator_for(&item).map_err(|e| format!("its items are not a JSON Schema: {e}"))?;
        Ok(Self { whole, item, list: list.clone() })
    }

    /// The first thing that is wrong with an answer, if something is.
    pub fn complaint(&self, answer: &Value) -> Option<String> {
        let error = self.whole.iter_errors(answer).next()?;
        let place = error.instance_path().to_string();
        let mut text = error.to_string();
        if let Some((cut, _)) = text.char_indices().nth(200) {
            text.truncate(cut);
        }
        Some(match place.is_empty() {
            true => text,
            false => format!("{text} (at {place})"),
        })
    }

    /// The list of items in an answer.
    pub fn items<'a>(&self, answer: &'a Value) -> Option<&'a Vec<Value>> {
        answer.get(&self.list)?.as_array()
    }

    /// Test whether one item is as the schema wants it.
    pub fn accepts_item(&self, item: &Value) -> bool {
        self.item.is_valid(item)
    }
}
