//! Canonical JSON: the members of every object sorted by name, nothing between tokens. JSON values keep the order in which they were
//! read, because what is sent to a model depends on it; what is stored, compared or part of a key must not.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The canonical text of a value: equal for values that differ in the order of members alone.
pub fn canonical_json(value: &Value) -> String {
    sorted(value.clone()).to_string()
}

/// The value with the members of every object sorted by name.
pub fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

/// Reads a map and sorts it, for fields that are written again or compared.
pub(crate) fn sorted_map<'de, D: Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
    let mut map = Map::deserialize(from)?;
    sort(&mut map);
    Ok(map)
}

/// As [`sorted_map`], where the map may be null.
pub(crate) fn sorted_map_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Map<String, Value>>, D::Error> {
    let mut map = Option::<Map<String, Value>>::deserialize(from)?;
    map.iter_mut().for_each(sort);
    Ok(map)
}

fn sort(map: &mut Map<String, Value>) {
    map.sort_keys();
    map.values_mut().for_each(Value::sort_all_objects);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_members_shows_in_a_value_and_not_in_its_canonical_text() {
        let (one, other): (Value, Value) =
            (json!({"b": [{"d": 1, "c": 2}], "a": null}), json!({"a": null, "b": [{"c": 2, "d": 1}]}));
        assert_ne!(one.to_string(), other.to_string());
        assert_eq!(one.to_string(), r#"{"b":[{"d":1,"c":2}],"a":null}"#, "as it was written");
        assert_eq!(canonical_json(&one), canonical_json(&other));
        assert_eq!(canonical_json(&one), r#"{"a":null,"b":[{"c":2,"d":1}]}"#);
    }
}
