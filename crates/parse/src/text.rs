//! Plain text: paragraphs, and a section for each form feed.

use super::build::Builder;
use super::formats::Reader;
use super::markup::Decoded;
use corpora_values::{BlockKind, Format, Metadata, ParsedDocument, SectionKind, SectionSource};

/// Texts in which no line is longer than this were wrapped by nobody: they are lists, addresses, verse.
const NARROWEST_WRAP: usize = 40;

/// Lines longer than this are paragraphs by themselves: nobody wraps by hand there.
const WIDEST_WRAP: usize = 120;

/// Plain text: what nothing else is.
pub(crate) const READER: Reader = Reader::Text { looks: |_| true, read: parse };

fn parse(decoded: Decoded<'_>) -> ParsedDocument {
    let mut builder = Builder::new(SectionKind::Chapter);
    builder.notes.extend(decoded.note);
    for page in decoded.text.split('\u{c}') {
        for paragraph in paragraphs(page) {
            builder.block(BlockKind::Paragraph, &paragraph, None);
        }
        builder.end_section(None, SectionSource::File);
    }
    builder.finish(Format::Text, Metadata::default())
}

/// Test whether bytes that were decoded are text: hardly any control characters.
pub(super) fn is_text(text: &str) -> bool {
    let strange =
        |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}') || c == '\u{fffe}';
    let (mut all, mut controls) = (0_usize, 0_usize);
    for c in text.chars() {
        all += 1;
        controls += usize::from(strange(c));
    }
    controls * 100 <= all
}

/// Paragraphs: runs of lines between blank ones. A line that was wrapped is joined with the next.
fn paragraphs(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    for line in page.lines().chain([""]) {
        if !line.trim().is_empty() {
            run.push(line.trim_end());
            continue;
        }
        join_wrapped(&run, &mut found);
        run.clear();
    }
    found
}

/// A line is wrapped when the first word of the next would not have fitted into the width of the run any more.
fn join_wrapped(run: &[&str], found: &mut Vec<String>) {
    let length = |line: &str| line.chars().count();
    let width = run.iter().map(|line| length(line)).max().unwrap_or(0);
    let mut paragraph = String::new();
    for (n, line) in run.iter().enumerate() {
        if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        // Tabs part the cells of a table's row and nothing else.
        paragraph.push_str(&line.trim().replace('\t', " "));
        let next_word = run.get(n + 1).and_then(|next| next.split_whitespace().next());
        let is_wrapped = (NARROWEST_WRAP..=WIDEST_WRAP).contains(&width)
            && next_word.is_some_and(|word| length(line) + 1 + length(word) > width);
        if !is_wrapped {
            found.push(std::mem::take(&mut paragraph));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_are_joined_and_lists_are_not() {
        let text = "The ember wyrm guards the drowned abbey and\nnobody who has seen it remembers the salt road\nto the ninth gate.\n\nsalt\nlantern\nglass moth\n";
        assert_eq!(
            paragraphs(text),
            [
                "The ember wyrm guards the drowned abbey and nobody who has seen it remembers the salt road to the ninth gate.",
                "salt",
                "lantern",
                "glass moth"
            ]
        );
    }
}
