//! The strict reader: well-formed XML.

use std::borrow::Cow;
use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::elements::{Attributes, Sink, Tag};

/// Longest replacement text of an entity that the document declares itself. Entities in entities are not expanded, so
/// this bounds what a reference can become, and "a billion laughs" stay one.
const LONGEST_ENTITY: usize = 256;

/// Most entities that a document may declare.
const MOST_ENTITIES: usize = 1_000;

/// Reads a document to its end.
///
/// # Errors
/// If it is not well-formed: what is wrong and where. What came before has been told to the sink.
pub(crate) fn read_xml(text: &str, sink: &mut impl Sink) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = true;
    config.allow_unmatched_ends = false;
    config.allow_dangling_amp = false;
    let mut entities = HashMap::new();
    // The reader takes the end of input for the end of the document, whatever is still open.
    let mut depth = 0_u64;
    loop {
        let at = reader.buffer_position();
        match reader.read_event().map_err(|e| format!("{e} at byte {}", reader.error_position()))? {
            Event::Start(tag) => {
                depth += 1;
                start(&tag, false, sink).ok_or_else(|| format!("an attribute is not well-formed at byte {at}"))?;
            }
            Event::Empty(tag) => {
                start(&tag, true, sink).ok_or_else(|| format!("an attribute is not well-formed at byte {at}"))?;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                let name = tag.local_name();
                sink.end(&lower(name.as_ref()));
            }
            Event::Text(text) => sink.text(&text),
            Event::CData(text) => sink.text(&text),
            Event::GeneralRef(reference) => general_reference(&reference, &entities, sink),
            Event::DocType(declaration) => entities = declared_entities(&declaration),
            Event::Eof if depth > 0 => return Err(format!("{depth} elements are still open at the end")),
            Event::Eof => return Ok(()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

fn start(tag: &BytesStart<'_>, is_empty: bool, sink: &mut impl Sink) -> Option<()> {
    let mut attributes = Attributes::default();
    // The check for duplicates is quadratic.
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.ok()?;
        if let Some(name) = Attributes::known(attribute.key.as_ref()) {
            attributes.add(name, unescape(&attribute.value));
        }
    }
    let name = tag.local_name();
    sink.start(&Tag { name: &lower(name.as_ref()), attributes }, is_empty);
    Some(())
}

/// An attribute's value with its references resolved, as far as they mean something.
fn unescape(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    let resolved = quick_xml::escape::unescape_with(value, quick_xml::escape::resolve_html5_entity);
    resolved.map_or_else(|_| value.to_owned(), Cow::into_owned)
}

fn general_reference(reference: &BytesRef<'_>, entities: &HashMap<String, String>, sink: &mut impl Sink) {
    match reference.resolve_char_ref() {
        // C1 controls are windows-1252 in disguise; HTML reads them so:
        // https://html.spec.whatwg.org/multipage/parsing.html#numeric-character-reference-end-state
        Ok(Some(c @ '\u{80}'..='\u{9f}')) => {
            let byte = [c as u8];
            sink.text(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0);
        }
        Ok(Some(c)) => sink.text(c.encode_utf8(&mut [0; 4])),
        Ok(None) => {
            let name: &str = reference;
            match quick_xml::escape::resolve_html5_entity(name).or_else(|| entities.get(name).map(String::as_str)) {
                Some(text) => sink.text(text),
                None => sink.text(&format!("&{name};")),
            }
        }
        Err(_) => sink.text("\u{fffd}"),
    }
}

/// Entities with plain text as their replacement, as the internal subset of the document type declares them.
fn declared_entities(declaration: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for part in declaration.split("<!ENTITY").skip(1).take(MOST_ENTITIES) {
        let part = part.trim_start();
        let Some((name, rest)) = part.split_once(|c: char| c.is_ascii_whitespace()) else { continue };
        let rest = rest.trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some((value, _)) = rest[1..].split_once(quote) else { continue };
        if value.len() > LONGEST_ENTITY {
            continue;
        }
        // Character references are resolved; an entity in an entity stays as it is written.
        let value = quick_xml::escape::unescape_with(value, quick_xml::escape::resolve_html5_entity)
            .map_or_else(|_| value.to_owned(), Cow::into_owned);
        if !value.contains('<') {
            found.entry(name.to_owned()).or_insert(value);
        }
    }
    found
}
