//! Headings of a document as an outline: which one stands over a place.

use super::local::key_form;
use crate::values::{BlockKind, ParsedDocument, Span};

/// Longest heading that is told, in bytes.
const LONGEST: usize = 80;

/// Headings of a document, in order.
pub(super) struct Headings<'d> {
    document: &'d ParsedDocument,
    all: Vec<Heading>,
}

struct Heading {
    span: Span,
    /// Number of the heading of a higher level under which it stands.
    parent: Option<usize>,
}

impl<'d> Headings<'d> {
    /// The headings of a document.
    pub(super) fn of(document: &'d ParsedDocument) -> Self {
        let mut all: Vec<Heading> = Vec::new();
        // Headings that are still open, the highest first.
        let mut open: Vec<(u8, usize)> = Vec::new();
        for block in &document.blocks {
            let BlockKind::Heading(level) = block.kind else { continue };
            open.retain(|&(over, _)| over < level);
            let parent = open.last().map(|&(_, n)| n);
            open.push((level, all.len()));
            all.push(Heading { span: block.span, parent });
        }
        Self { document, all }
    }

    /// The headings under which a place stands, the lower one last, at most two: under "Beasts of the water > Mirelop" a reader knows what a mirelop is.
    /// Empty where there is none; the title of the book is told with the book.
    pub(super) fn over(&self, place: Span) -> String {
        let title = key_form(self.document.metadata.title.as_deref().unwrap_or_default());
        let last = self.all.partition_point(|heading| heading.span.start <= place.start).checked_sub(1);
        let parent = |n: &usize| self.all[*n].parent;
        // A heading does not stand over itself.
        let lowest = last.and_then(|n| if self.all[n].span.end > place.start { parent(&n) } else { Some(n) });
        let up = std::iter::successors(lowest, parent).take(2).map(|n| self.text(&self.all[n]));
        let mut path: Vec<String> = up.filter(|text| key_form(text) != title).collect();
        path.reverse();
        path.join(" > ")
    }

    /// A heading in one line, without the number before it.
    fn text(&self, heading: &Heading) -> String {
        let line = heading.span.of(&self.document.text).split_whitespace().collect::<Vec<_>>().join(" ");
        let named = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ');
        let mut text = if named.is_empty() { line } else { named.to_owned() };
        text.truncate(text.floor_char_boundary(LONGEST));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Block, Format, Markup, Metadata};

    fn document(lines: &[(BlockKind, &str)]) -> ParsedDocument {
        let (mut text, mut blocks) = (String::new(), Vec::new());
        for (kind, line) in lines {
            let span = Span::new(text.len(), text.len() + line.len());
            blocks.push(Block { kind: *kind, span, area: None, confidence: None });
            text += line;
            text.push('\n');
        }
        ParsedDocument {
            format: Format::Epub,
            metadata: Metadata { title: Some("The Fen".into()), ..Metadata::default() },
            text,
            sections: vec![],
            blocks,
            outline: vec![],
            page_marks: vec![],
            markup: Markup::default(),
            notes: vec![],
        }
    }

    #[test]
    fn a_place_is_told_by_the_headings_over_it() {
        use BlockKind::{Heading, Paragraph};
        let document = document(&[
            (Heading(1), "The Fen"),
            (Paragraph, "Ferries cross it."),
            (Heading(1), "3.2 Beasts of the water"),
            (Heading(2), "Mirelop"),
            (Paragraph, "A mirelop is hunted with a seine."),
            (Heading(2), "Bellpike"),
            (Paragraph, "It answers bells."),
        ]);
        let headings = Headings::of(&document);
        let over = |word: &str| {
            let at = document.text.find(word).unwrap();
            headings.over(Span::new(at, at + word.len()))
        };
        assert_eq!(over("mirelop"), "Beasts of the water > Mirelop");
        assert_eq!(over("Bellpike"), "Beasts of the water", "a heading does not stand over itself");
        assert_eq!(over("bells"), "Beasts of the water > Bellpike");
        assert_eq!(over("Ferries"), "", "the title is told with the book");
    }
}
