//! Reads the JSON that models write: in code fences, with words around it, with raw control characters, cut off.

use serde_json::{Map, Value};

/// The JSON value in `text`, if there is one: the whole text, or else the first object or list in it that is complete.
/// Raw control characters inside strings are taken as meant, lone surrogates become U+FFFD, NUL is dropped.
pub fn lenient_json(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut from = 0;
    while let Some(at) = text[from..].find(['{', '[']).map(|n| from + n) {
        match complete(&text[at..]) {
            Some(end) => {
                if let Some(value) = repaired(&text[at..at + end]) {
                    return Some(value);
                }
                from = at + 1;
            }
            // What begins here never ends, and so does everything that begins inside it.
            None => return None,
        }
    }
    None
}

/// The complete objects of the first list in JSON that breaks off, in order. Empty if there are none.
pub fn whole_items(text: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let Some(list) = text.find('[') else { return items };
    let mut at = list + 1;
    while let Some(start) = text[at..].find(['{', ']']).map(|n| at + n) {
        if text.as_bytes()[start] == b']' {
            break;
        }
        let Some(end) = complete(&text[start..]) else { break };
        items.extend(repaired(&text[start..start + end]));
        at = start + end;
    }
    items
}

/// The complete members of the first object in JSON that breaks off, as far as they are objects themselves.
pub fn whole_members(text: &str) -> Map<String, Value> {
    let mut members = Map::new();
    let Some(open) = text.find('{') else { return members };
    let mut rest = &text[open + 1..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let Some(name) = rest.strip_prefix('"').and_then(|name| name.split_once('"')).map(|(name, _)| name) else {
            break;
        };
        let after = rest[name.len() + 2..].trim_start();
        let Some(value) = after.strip_prefix(':').map(str::trim_start).filter(|v| v.starts_with('{')) else { break };
        let Some(end) = complete(value) else { break };
        if let Some(read) = repaired(&value[..end]) {
            members.insert(name.to_owned(), read);
        }
        rest = &value[end..];
    }
    members
}

/// End of the object or list at the start of `text`, if it has one.
fn complete(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (false, _) => {}
        }
    }
    None
}

fn repaired(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut in_string = false;
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => {
                in_string = !in_string;
                out.push(c);
            }
            '\\' if in_string => {
                let next = rest.next();
                match next {
                    Some((_, 'u')) => {
                        let code = text.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                        let low = text
                            .get(at + 6..at + 12)
                            .and_then(|pair| pair.strip_prefix("\\u"))
                            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                        let steps = match (code, low) {
                            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
                                out.push_str(&text[at..at + 12]);
                                10
                            }
                            (Some(0xD800..=0xDFFF), _) => {
                                out.push_str("\\ufffd");
                                4
                            }
                            (Some(0), _) => 4,
                            (Some(_), _) => {
                                out.push_str(&text[at..at + 6]);
                                4
                            }
                            (None, _) => {
                                out.push_str("\\\\u");
                                0
                            }
                        };
                        for _ in 0..steps {
                            rest.next();
                        }
                    }
                    Some((_, e @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't'))) => {
                        out.push('\\');
                        out.push(e);
                    }
                    // No escape of JSON: a backslash that was meant as one.
                    Some((_, other)) => {
                        out.push_str("\\\\");
                        out.push(other);
                    }
                    None => return None,
                }
            }
            '\0' => {}
            '\n' if in_string => out.push_str("\\n"),
            '\r' if in_string => out.push_str("\\r"),
            '\t' if in_string => out.push_str("\\t"),
            c if in_string && c.is_ascii_control() => out.push(' '),
            c => out.push(c),
        }
    }
    serde_json::from_str(&out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn json_is_found_in_what_models_write_around_it() {
        let expected = json!({"items": [{"term": "a \"b\" {c}"}]});
        let plain = expected.to_string();
        for text in [
            plain.clone(),
            format!("```json\n{plain}\n```"),
            format!("Here you are:\n\n```\n{plain}\n```\nI hope [this] helps."),
            format!("\u{feff}  {plain}  "),
            format!("Sure! {plain}"),
        ] {
            assert_eq!(lenient_json(&text), Some(expected.clone()), "{text}");
        }
        for text in ["", "I cannot help with that.", "{\"items\": [", "{] {\"a\": 1"] {
            assert_eq!(lenient_json(text), None, "{text}");
        }
    }

    #[test]
    fn damaged_strings_are_repaired() {
        let read = |text: &str| lenient_json(text).map(|v| v["a"].as_str().unwrap_or("?").to_owned());
        assert_eq!(read("{\"a\": \"x\ny\tz\"}").as_deref(), Some("x\ny\tz"));
        assert_eq!(read("{\"a\": \"x\u{1}y\"}").as_deref(), Some("x y"));
        assert_eq!(read("{\"a\": \"x\0y\"}").as_deref(), Some("xy"));
        assert_eq!(read(r#"{"a": "x\ud800y"}"#).as_deref(), Some("x\u{fffd}y"));
        assert_eq!(read(r#"{"a": "\ud83d\ude00 \udc00"}"#).as_deref(), Some("\u{1f600} \u{fffd}"));
        assert_eq!(read(r#"{"a": "C:\dir"}"#).as_deref(), Some("C:\\dir"));
    }

    #[test]
    fn whole_items_of_a_cut_list_are_kept() {
        let cut = r#"{"items": [{"t": "one"}, {"t": "two }"}, {"t": "thr"#;
        assert_eq!(whole_items(cut), [json!({"t": "one"}), json!({"t": "two }"})]);
        assert_eq!(whole_items("{\"items\": []}"), Vec::<Value>::new());
        assert_eq!(whole_items("nothing"), Vec::<Value>::new());
        let cut = "Here: {\"1\": {\"t\": \"one }\"},\n \"2\" : {\"t\": [{}]}, \"3\": {\"t\": \"thr";
        assert_eq!(Value::Object(whole_members(cut)), json!({"1": {"t": "one }"}, "2": {"t": [{}]}}));
        assert_eq!(whole_members("{\"1\": null, \"2\": {}}").len() + whole_members("nothing").len(), 0);
    }

    proptest! {
        #[test]
        fn whatever_is_json_is_read_as_it_is(text in "\\PC{0,20}", n in 0..100_i64) {
            let value = json!({"items": [{"term": text, "n": n}]});
            prop_assert_eq!(lenient_json(&format!("noise {value} noise")), Some(value.clone()));
            prop_assert_eq!(whole_items(&value.to_string()), vec![value["items"][0].clone()]);
        }

        #[test]
        fn nothing_makes_it_panic(text in ".{0,60}", seed in "[\\\\u\"{}\\[\\]d8 0-9a-f]{0,60}") {
            let _ = lenient_json(&text);
            let _ = whole_items(&text);
            let _ = whole_members(&text);
            let _ = whole_members(&seed);
            let _ = lenient_json(&seed);
            let _ = whole_items(&seed);
        }
    }
}
