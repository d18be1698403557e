//! Lines of which nothing but their text is known.

use super::super::emphasis::Runs;
use super::{LINE_END_HYPHEN, PageBlock, Shape};
use corpora_values::Area;

/// Blocks of lines whose places on the page are unknown: they get all of it.
pub(in super::super) fn of_plain(lines: &[String], (width, height): (f32, f32)) -> Vec<PageBlock> {
    let area = Area { left: 0, top: 0, right: (width * 10.0) as i32, bottom: (height * 10.0) as i32 };
    let text = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    text.map(|text| PageBlock {
        shape: Shape::Text,
        text: without_line_ends(text),
        lines: 1,
        area,
        size: 10.0,
        weight: 0.0,
        is_fixed: false,
        artifact: false,
        confidence: None,
        tag: None,
        runs: Runs::default(),
        ruled: None,
    })
    .collect()
}

/// Marks the hyphens of a text that has lost its line ends: those between a small letter and a space with another.
fn without_line_ends(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("- ") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        out.push_str(before);
        if before.ends_with(char::is_lowercase) && after.starts_with(char::is_lowercase) {
            out.push(LINE_END_HYPHEN);
        } else {
            out.push_str("- ");
        }
        rest = after;
    }
    out + rest
}
