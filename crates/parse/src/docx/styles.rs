//! Styles: which paragraphs are headings, lists, captions; which characters are marked.

use std::collections::HashMap;

use super::super::markup::{Sink, Tag};
use corpora_values::{BlockKind, MarkKind};

/// What styles mean, by their ids.
#[derive(Debug, Default)]
pub(super) struct Styles {
    /// Kind of block that a paragraph of a style is.
    pub(super) blocks: HashMap<String, BlockKind>,
    /// Mark that a style of characters makes.
    pub(super) marks: HashMap<String, MarkKind>,
}

/// Styles may rest on each other, and in a damaged file in a circle.
const LONGEST_CHAIN: usize = 16;

#[derive(Default)]
pub(super) struct StylesReader {
    styles: HashMap<String, Style>,
    open: Option<(String, Style)>,
}

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    /// It is one of characters.
    is_of_characters: bool,
    /// Mark that its own properties make.
    mark: Option<MarkKind>,
}

impl StylesReader {
    pub(super) fn finish(self) -> Styles {
        let mut styles = Styles::default();
        for (id, style) in &self.styles {
            if style.is_of_characters {
                styles.marks.extend(mark(style).map(|mark| (id.clone(), mark)));
                continue;
            }
            let mut at = id.as_str();
            for _ in 0..LONGEST_CHAIN {
                let Some(style) = self.styles.get(at) else { break };
                if let Some(kind) = kind(style) {
                    styles.blocks.insert(id.clone(), kind);
                    break;
                }
                let Some(next) = &style.based_on else { break };
                at = next;
            }
        }
        styles
    }
}

/// The mark of a style of characters: by its name, as its author gave it a meaning, or by how it looks.
fn mark(style: &Style) -> Option<MarkKind> {
    let name = style.name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["definition", "glossary term", "defined term"]) {
        Some(MarkKind::Defined)
    } else if has(&["html cite", "book title", "work title"]) {
        Some(MarkKind::Title)
    } else if has(&["html code", "source text", "verbatim", "html typewriter", "html keyboard", "html sample"]) {
        Some(MarkKind::Code)
    } else if name == "strong" {
        Some(MarkKind::Bold)
    } else if has(&["emphasis"]) {
        Some(MarkKind::Italic)
    } else {
        style.mark.clone()
    }
}

/// The mark that a property of characters makes, if it is on (part 1, 17.3.2).
pub(super) fn property(tag: &Tag<'_>) -> Option<MarkKind> {
    if matches!(tag.attributes.get("val"), Some("0" | "false" | "off" | "none")) {
        return None;
    }
    match tag.name {
        "b" => Some(MarkKind::Bold),
        "i" => Some(MarkKind::Italic),
        "smallcaps" => Some(MarkKind::SmallCaps),
        _ => None,
    }
}

fn kind(style: &Style) -> Option<BlockKind> {
    let name = style.name.to_ascii_lowercase();
    if let Some(level) = name.strip_prefix("heading ").and_then(|n| n.trim().parse::<u8>().ok()) {
        return Some(BlockKind::Heading(level.clamp(1, 6)));
    }
    match name.as_str() {
        "title" => return Some(BlockKind::Heading(1)),
        "caption" => return Some(BlockKind::Caption),
        "footnote text" | "endnote text" => return Some(BlockKind::Footnote),
        _ => {}
    }
    if name.starts_with("list") {
        return Some(BlockKind::ListItem);
    }
    style.outline.map(|level| BlockKind::Heading(level.saturating_add(1).min(6)))
}

impl Sink for StylesReader {
    fn start(&mut self, tag: &Tag<'_>, _is_empty: bool) {
        let value = || tag.attributes.text("val").map(str::to_owned);
        match (tag.name, &mut self.open) {
            ("style", open) => {
                let is_of_characters = tag.attributes.get("type") == Some("character");
                let style = Style { is_of_characters, ..Style::default() };
                *open = tag.attributes.text("styleid").map(|id| (id.to_owned(), style));
            }
            ("name", Some((_, style))) => style.name = value().unwrap_or_default(),
            ("b" | "i" | "smallcaps", Some((_, style))) => style.mark = property(tag).or(style.mark.take()),
            ("basedon", Some((_, style))) => style.based_on = value(),
            // Level 9 is body text: part 1, 17.3.1.20.
            ("outlinelvl", Some((_, style))) => style.outline = value().and_then(|v| v.parse().ok()).filter(|l| *l < 9),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if name == "style" {
            self.styles.extend(self.open.take());
        }
    }

    fn text(&mut self, _text: &str) {}
}
