//! A parsed document as Markdown, as people expect of it: headings, lists, tables, code, definitions.

use std::fmt::Write as _;

use crate::values::{Block, BlockKind, ParsedDocument};

/// The document's text as CommonMark with tables; furniture of its pages is left out. Definitions are written as Pandoc and others
/// have them: the term, then a colon and what it means (<https://pandoc.org/MANUAL.html#definition-lists>).
pub(super) fn markdown(document: &ParsedDocument) -> String {
    let shown: Vec<&Block> = document.blocks.iter().filter(|block| block.kind != BlockKind::Furniture).collect();
    let mut out = String::with_capacity(document.text.len() + document.text.len() / 8);
    for run in shown.chunk_by(|a, b| are_one(a.kind, b.kind)) {
        if !out.is_empty() {
            out.push('\n');
        }
        let texts: Vec<&str> = run.iter().map(|block| block.span.of(&document.text)).collect();
        match run[0].kind {
            BlockKind::TableRow => table(&texts, &mut out),
            BlockKind::Code => code(&texts, &mut out),
            _ => run.iter().zip(texts).for_each(|(block, text)| one(block.kind, text, &mut out)),
        }
    }
    out
}

/// Test whether two blocks that follow each other are written without a blank line between them.
fn are_one(a: BlockKind, b: BlockKind) -> bool {
    use BlockKind::{Code, Definition, DefinitionTerm, ListItem, TableRow};
    matches!(
        (a, b),
        (DefinitionTerm | Definition, Definition) | (ListItem, ListItem) | (TableRow, TableRow) | (Code, Code)
    )
}

fn one(kind: BlockKind, text: &str, out: &mut String) {
    match kind {
        BlockKind::Heading(level) => {
            out.extend(std::iter::repeat_n('#', usize::from(level.clamp(1, 6))));
            out.push(' ');
            out.push_str(&escaped(text));
        }
        BlockKind::ListItem => out.push_str(&item(text)),
        BlockKind::Definition => {
            out.push_str(": ");
            out.push_str(&escaped(text));
        }
        BlockKind::Caption => {
            out.push('*');
            out.push_str(&escaped(text));
            out.push('*');
        }
        BlockKind::DefinitionTerm
        | BlockKind::Paragraph
        | BlockKind::Footnote
        | BlockKind::TableRow
        | BlockKind::Code
        | BlockKind::Furniture => out.push_str(&paragraph(text)),
    }
    out.push('\n');
}

/// An item with the mark that Markdown knows: a number stays, any other becomes a hyphen.
fn item(text: &str) -> String {
    let (label, rest) = text.split_once(' ').unwrap_or(("", text));
    let number = label.trim_start_matches('(').trim_end_matches(['.', ')']);
    if number.len() < label.len()
        && !number.is_empty()
        && number.len() <= 9
        && number.bytes().all(|b| b.is_ascii_digit())
    {
        return format!("{number}. {}", escaped(rest));
    }
    let is_bullet = label.chars().count() == 1 && !label.contains(char::is_alphanumeric);
    format!("- {}", escaped(if is_bullet { rest } else { text }))
}

fn table(rows: &[&str], out: &mut String) {
    let columns = rows.iter().map(|row| row.split('\t').count()).max().unwrap_or(1);
    for (n, row) in rows.iter().enumerate() {
        let mut cells: Vec<String> = row.split('\t').map(|cell| escaped(cell.trim()).replace('|', "\\|")).collect();
        cells.resize(columns, String::new());
        let _ = writeln!(out, "| {} |", cells.join(" | "));
        if n == 0 {
            let _ = writeln!(out, "|{}", " --- |".repeat(columns));
        }
    }
}

/// A fence that is longer than any run of its sign in the code.
fn code(lines: &[&str], out: &mut String) {
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}\n{}\n{fence}", lines.join("\n").replace('\t', "    "));
}

/// Text in which no character is a sign of Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '`' | '<' | '[' | ']') {
            out.push('\\');
        }
        out.push(if c == '\t' { ' ' } else { c });
    }
    out
}

/// A paragraph whose first characters begin no list, heading or quotation.
fn paragraph(text: &str) -> String {
    let text = escaped(text);
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && text[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    if text.starts_with(['#', '>', '+', '-', '=', '~', ':', '|']) { format!("\\{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Format, Metadata, Span};

    fn written(blocks: &[(BlockKind, &str)]) -> String {
        let mut text = String::new();
        let mut spans = Vec::new();
        for (kind, block) in blocks {
            let start = text.len();
            text.push_str(block);
            spans.push(Block { kind: *kind, span: Span::new(start, text.len()), area: None });
            text.push('\n');
        }
        markdown(&ParsedDocument {
            format: Format::Text,
            metadata: Metadata::default(),
            text,
            sections: Vec::new(),
            blocks: spans,
            outline: Vec::new(),
            page_marks: Vec::new(),
            notes: Vec::new(),
        })
    }

    #[test]
    fn blocks_are_written_as_markdown_has_them() {
        use BlockKind::{Caption, Code, Definition, DefinitionTerm, Furniture, Heading, ListItem, Paragraph, TableRow};
        let text = written(&[
            (Furniture, "17"),
            (Heading(2), "The *ninth* gate"),
            (Paragraph, "2. of all gates"),
            (ListItem, "\u{2022} salt_lamp"),
            (ListItem, "(3) oil"),
            (TableRow, "Name\tHP"),
            (TableRow, "Ash | hound\t12\tx"),
            (Caption, "Table 1"),
            (Code, "ring(``bell)"),
            (Code, "open(gate)"),
            (DefinitionTerm, "oath stone"),
            (Definition, "grows warm"),
        ]);
        assert_eq!(
            text,
            "## The \\*ninth\\* gate\n\n2\\. of all gates\n\n- salt\\_lamp\n3. oil\n\n| Name | HP |  |\n| --- | --- | --- |\n| Ash \\| hound | 12 | x |\n\n*Table 1*\n\n```\nring(``bell)\nopen(gate)\n```\n\noath stone\n: grows warm\n"
        );
    }
}
