//! Paragraph styles: which are headings, lists, captions.

use std::collections::HashMap;

use super::super::markup::{Sink, Tag};
use corpora_values::BlockKind;

/// Kind of block that a paragraph of a style is, by the style's id.
pub(super) type Styles = HashMap<String, BlockKind>;

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
}

impl StylesReader {
    pub(super) fn finish(self) -> Styles {
        let mut kinds = Styles::new();
        for id in self.styles.keys() {
            let mut at = id.as_str();
            for _ in 0..LONGEST_CHAIN {
                let Some(style) = self.styles.get(at) else { break };
                if let Some(kind) = kind(style) {
                    kinds.insert(id.clone(), kind);
                    break;
                }
                let Some(next) = &style.based_on else { break };
                at = next;
            }
        }
        kinds
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
                *open = tag.attributes.text("styleid").map(|id| (id.to_owned(), Style::default()));
            }
            ("name", Some((_, style))) => style.name = value().unwrap_or_default(),
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
