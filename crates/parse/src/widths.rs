//! Widths of fonts, looked at before a reader of fonts takes them at their word.

use hayro_syntax::object::{Array, Dict, Object};
use hayro_syntax::page::Page;

/// Widths that a font may give by ranges of its characters: there are 65,536 (ISO 32000-1, annex C), and some files give them twice. The reader of fonts
/// keeps one for each, whatever their number: four words of a file filled the memory.
const MOST_WIDTHS: u64 = 1 << 20;

/// Test whether all fonts of a page are of a size that a font can have. Those of forms on it are not looked at.
pub(crate) fn are_sized(page: &Page<'_>) -> bool {
    let fonts = &page.resources().fonts;
    fonts.keys().filter_map(|name| fonts.get::<Dict<'_>>(name.as_ref())).all(|font| is_sized(&font))
}

/// Test whether the ranges of widths in a composite font (ISO 32000-1, 9.7.4.3) are of a number that a font can have.
pub(crate) fn is_sized(dict: &Dict<'_>) -> bool {
    let descendant = dict.get::<Array<'_>>(b"DescendantFonts").and_then(|fonts| fonts.iter::<Dict<'_>>().next());
    let Some(descendant) = descendant else { return true };
    let all = [(b"W".as_slice(), 1), (b"W2".as_slice(), 3)]
        .into_iter()
        .filter_map(|(key, measures)| Some(in_ranges(&descendant.get::<Array<'_>>(key)?, measures)));
    all.sum::<u64>() <= MOST_WIDTHS
}

/// Characters in the ranges of an array of widths: a first and a last one, and so many measures; or a first one, and an array of widths.
fn in_ranges(array: &Array<'_>, measures: usize) -> u64 {
    let (mut all, mut bounds) = (0_u64, Vec::new());
    for object in array.iter::<Object<'_>>() {
        match object {
            Object::Number(number) => bounds.push(number.as_f64()),
            _ => bounds.clear(),
        }
        if bounds.len() == 2 + measures {
            all = all.saturating_add((bounds[1] - bounds[0] + 1.0) as u64);
            bounds.clear();
        }
    }
    all
}
