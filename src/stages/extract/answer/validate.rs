//! Holding answers to the pipeline's JSON Schema, whatever the provider promised.

use serde_json::Value;

use crate::stages::extract::phrase::{bounded, list_schema};
use crate::stages::pipeline::{Method, Pipeline, Shape};

/// Schema of a pipeline's answers, ready to judge them and their single items.
#[derive(Debug)]
pub struct AnswerSchema {
    pub(super) form: Form,
    /// Forms in which the same was asked before: such an answer may have been on its way.
    pub(super) earlier: Vec<ListSchema>,
}

/// Form of an answer.
#[derive(Debug)]
pub(super) enum Form {
    /// A list of items, each of which names its term.
    List(ListSchema),
    /// An item under the number of each unit.
    Numbered(ItemSchema),
}

/// Schema of an answer that is a list of items.
#[derive(Debug)]
pub(super) struct ListSchema {
    whole: jsonschema::Validator,
    item: jsonschema::Validator,
    list: String,
}

/// Schema of one item.
#[derive(Debug)]
pub(super) struct ItemSchema {
    item: jsonschema::Validator,
    schema: Value,
}

impl AnswerSchema {
    /// The schema of a pipeline's answers.
    ///
    /// # Errors
    /// A sentence, if what the pipeline gives is not a JSON Schema, or not of an item or of an answer with a list of them.
    pub fn of(pipeline: &Pipeline) -> Result<Self, String> {
        let form = match (pipeline.shape, &pipeline.method) {
            (Shape::Item, Method::Terms(_)) => Form::Numbered(ItemSchema::new(&pipeline.schema)?),
            _ => Form::List(ListSchema::new(&list_schema(pipeline))?),
        };
        let earlier = pipeline.earlier.iter().map(|form| ListSchema::new(&form.schema)).collect::<Result<_, _>>()?;
        Ok(Self { form, earlier })
    }

    /// The schema of answers that are a list.
    ///
    /// # Errors
    /// A sentence, if it is not a JSON Schema of an object with one property that is a list of items.
    pub fn of_list(schema: &Value) -> Result<Self, String> {
        Ok(Self { form: Form::List(ListSchema::new(schema)?), earlier: Vec::new() })
    }

    /// The first thing that is wrong with one item, if something is.
    pub fn complaint_of_item(&self, item: &Value) -> Option<String> {
        match &self.form {
            Form::List(schema) => complaint(&schema.item, item),
            Form::Numbered(schema) => complaint(&schema.item, item),
        }
    }
}

impl ListSchema {
    fn new(schema: &Value) -> Result<Self, String> {
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
    pub(super) fn complaint(&self, answer: &Value) -> Option<String> {
        complaint(&self.whole, answer)
    }

    /// The list of items in an answer.
    pub(super) fn items<'a>(&self, answer: &'a Value) -> Option<&'a Vec<Value>> {
        answer.get(&self.list)?.as_array()
    }

    /// Test whether one item is as the schema wants it.
    pub(super) fn accepts_item(&self, item: &Value) -> bool {
        self.item.is_valid(item)
    }
}

impl ItemSchema {
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        if schema["type"] != "object" || !schema["properties"].is_object() {
            return Err("an item is an object with properties: give \"type\": \"object\" and \"properties\"".into());
        }
        let item = jsonschema::validator_for(schema).map_err(|e| format!("it is not a JSON Schema: {e}"))?;
        Ok(Self { item, schema: schema.clone() })
    }

    /// The item, its lists cut to their bounds, if it is as the schema wants it; or else what is wrong.
    pub(super) fn accepted(&self, item: &Value) -> Result<Value, String> {
        let item = bounded(item.clone(), &self.schema);
        match complaint(&self.item, &item) {
            None => Ok(item),
            Some(words) => Err(words),
        }
    }
}

fn complaint(validator: &jsonschema::Validator, value: &Value) -> Option<String> {
    let error = validator.iter_errors(value).next()?;
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
