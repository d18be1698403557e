//! Texts that the file gives for what it paints (`ActualText`, ISO 32000-1, 14.9.4), in the places of the glyphs that they replace.

use super::glyphs::Glyph;

/// Puts a text in the place of the glyphs from `from` on. A blank one takes them away.
pub(super) fn replace(glyphs: &mut Vec<Glyph>, from: usize, text: &str) {
    let Some(replaced) = glyphs.get(from..).filter(|replaced| !replaced.is_empty()) else {
        return;
    };
    let text = text.trim();
    if text.is_empty() {
        glyphs.truncate(from);
        return;
    }
    if says_the_same(replaced, text) {
        return;
    }
    let lines: Vec<Glyph> = lines(replaced);
    let painted: usize = replaced.len();
    let mut counts: Vec<usize> = replaced.chunk_by(same_line).map(<[Glyph]>::len).collect();
    glyphs.truncate(from);
    // As many of the words to each line as it has of the glyphs.
    let characters = text.chars().count();
    let mut words = text.split_whitespace().peekable();
    let (mut written, mut due) = (0, 0);
    for (n, mut line) in lines.into_iter().enumerate() {
        due += std::mem::take(&mut counts[n]);
        let is_last = n + 1 == counts.len();
        let mut own = String::new();
        while let Some(word) = words.peek() {
            let length = word.chars().count();
            if !is_last && !own.is_empty() && (written + length / 2) * painted > due * characters {
                break;
            }
            if !own.is_empty() {
                own.push(' ');
            }
            own.push_str(word);
            written += length + 1;
            words.next();
        }
        let mut chars = own.chars();
        if let Some(first) = chars.next() {
            line.first = first;
            line.more = (!chars.as_str().is_empty()).then(|| chars.as_str().into());
            glyphs.push(line);
        }
    }
}

/// Test whether glyphs show the letters of a text: then the places of its words are worth more.
fn says_the_same(glyphs: &[Glyph], text: &str) -> bool {
    let mut shown = glyphs
        .iter()
        .flat_map(|glyph| std::iter::once(glyph.first).chain(glyph.more.iter().flat_map(|more| more.chars())))
        .filter(|c| !c.is_whitespace());
    text.chars().filter(|c| !c.is_whitespace()).all(|c| shown.next() == Some(c)) && shown.next().is_none()
}

fn same_line(a: &Glyph, b: &Glyph) -> bool {
    let size = a.size.max(b.size);
    let step = if a.turn % 1800 == 0 { b.y - a.y } else { b.x - a.x };
    a.turn == b.turn && step.abs() < 0.5 * size
}

/// One glyph for each line, as long as the line.
fn lines(glyphs: &[Glyph]) -> Vec<Glyph> {
    let whole = |line: &[Glyph]| {
        let mut first = line[0].clone();
        let last = &line[line.len() - 1];
        let length = (last.x - first.x).hypot(last.y - first.y);
        first.advance = length + last.advance;
        first.size = line.iter().map(|glyph| glyph.size).fold(first.size, f32::max);
        first
    };
    glyphs.chunk_by(same_line).map(whole).collect()
}
