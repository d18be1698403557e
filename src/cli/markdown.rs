//! A parsed document as Markdown, as people expect of it: headings, lists, tables, code, definitions.

use std::fmt::Write as _;

use crate::values::{Block, BlockKind, Mark, MarkKind, ParsedDocument, Table};

/// The document's text as CommonMark with tables; furniture of its pages is left out. Definitions are written as Pandoc and others
/// have them: the term, then a colon and what it means (<https://pandoc.org/MANUAL.html#definition-lists>).
pub(super) fn markdown(document: &ParsedDocument) -> String {
    let shown: Vec<(usize, &Block)> =
        document.blocks.iter().enumerate().filter(|(_, block)| block.kind != BlockKind::Furniture).collect();
    let mut out = String::with_capacity(document.text.len() + document.text.len() / 8);
    let tables = &document.markup.tables;
    let begins_table = |index: usize| tables.binary_search_by_key(&index, |table| table.first_block as usize).is_ok();
    for run in shown.chunk_by(|(_, a), (next, b)| are_one(a.kind, b.kind) && !begins_table(*next)) {
        if !out.is_empty() {
            out.push('\n');
        }
        let texts = run.iter().map(|(_, block)| block.span.of(&document.text));
        match run[0].1.kind {
            BlockKind::TableRow => {
                let known = tables.iter().find(|table| table.first_block as usize == run[0].0);
                let rows: Vec<String> = run.iter().map(|(_, block)| inline(document, block)).collect();
                table(&rows, known, &mut out);
            }
            BlockKind::Code => code(&texts.collect::<Vec<_>>(), &mut out),
            _ => run.iter().for_each(|(_, block)| one(block.kind, &inline(document, block), &mut out)),
        }
    }
    out
}

/// Test whether two blocks that follow each other are written without a blank line between them.
fn are_one(a: BlockKind, b: BlockKind) -> bool {
    use BlockKind::{Code, ContentsEntry, Definition, DefinitionTerm, IndexEntry, ListItem, TableRow};
    matches!(
        (a, b),
        (DefinitionTerm | Definition, Definition)
            | (ListItem, ListItem)
            | (TableRow, TableRow)
            | (Code, Code)
            | (ContentsEntry, ContentsEntry)
            | (IndexEntry, IndexEntry)
    )
}

/// A block whose signs of Markdown are escaped already.
fn one(kind: BlockKind, text: &str, out: &mut String) {
    let text = text.replace('\t', " ");
    let text = text.as_str();
    match kind {
        BlockKind::Heading(level) => {
            out.extend(std::iter::repeat_n('#', usize::from(level.clamp(1, 6))));
            out.push(' ');
            out.push_str(text);
        }
        BlockKind::ListItem => out.push_str(&item(text)),
        BlockKind::ContentsEntry | BlockKind::IndexEntry => {
            out.push_str("- ");
            out.push_str(text);
        }
        BlockKind::Definition => {
            out.push_str(": ");
            out.push_str(text);
        }
        BlockKind::Caption if !text.contains('*') => {
            out.push('*');
            out.push_str(text);
            out.push('*');
        }
        BlockKind::DefinitionTerm
        | BlockKind::Paragraph
        | BlockKind::Caption
        | BlockKind::Footnote
        | BlockKind::Formula
        | BlockKind::TableRow
        | BlockKind::Code
        | BlockKind::Furniture => out.push_str(&paragraph(text)),
    }
    out.push('\n');
}

/// The signs around a mark's text; none for marks that Markdown has no signs for.
fn signs(kind: &MarkKind) -> Option<&'static str> {
    match kind {
        MarkKind::Bold | MarkKind::Defined => Some("**"),
        MarkKind::Italic | MarkKind::Title => Some("*"),
        MarkKind::Code => Some("`"),
        MarkKind::SmallCaps | MarkKind::RunIn | MarkKind::Abbreviation(_) | MarkKind::NoteReference(_) => None,
    }
}

/// The text of a block with the signs of its marks. What lies in another mark, or crosses its end, is not marked again.
fn inline(document: &ParsedDocument, block: &Block) -> String {
    let text = document.text.as_str();
    let mut out = String::with_capacity(block.span.len() + 8);
    let mut at = block.span.start as usize;
    // A heading is bold already.
    let is_heading = matches!(block.kind, BlockKind::Heading(_));
    for Mark { kind, span } in document.markup.marks_in(block.span) {
        let (start, end) = (span.start as usize, span.end as usize);
        let marked = &text[start..end];
        let signs = signs(kind).filter(|signs| !(marked.contains('\t') || is_heading && *signs == "**"));
        let Some(signs) = signs.filter(|_| start >= at && (!marked.contains('`') || *kind != MarkKind::Code)) else {
            continue;
        };
        out.push_str(&escaped(&text[at..start]));
        out.push_str(signs);
        if *kind == MarkKind::Code {
            out.push_str(marked);
        } else {
            out.push_str(&escaped(marked));
        }
        out.push_str(signs);
        at = end;
    }
    out.push_str(&escaped(&text[at..block.span.end as usize]));
    out
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
        return format!("{number}. {rest}");
    }
    let bare = label.trim_start_matches('\\');
    let is_bullet = bare.chars().count() == 1 && !bare.contains(char::is_alphanumeric);
    format!("- {}", if is_bullet { rest } else { text })
}

/// A table: with its header, or with an empty one, as Markdown has none without.
fn table(rows: &[String], known: Option<&Table>, out: &mut String) {
    let columns = rows.iter().map(|row| row.split('\t').count()).max().unwrap_or(1);
    if known.is_some_and(|table| table.header_rows == 0) {
        let _ = writeln!(out, "|{}\n|{}", "  |".repeat(columns), " --- |".repeat(columns));
    }
    for (n, row) in rows.iter().enumerate() {
        let mut cells: Vec<String> = row.split('\t').map(|cell| cell.trim().replace('|', "\\|")).collect();
        cells.resize(columns, String::new());
        let _ = writeln!(out, "| {} |", cells.join(" | "));
        if n == 0 && known.is_none_or(|table| table.header_rows > 0) {
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
        out.push(c);
    }
    out
}

/// A paragraph whose first characters begin no list, heading or quotation.
fn paragraph(text: &str) -> String {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && text[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    let is_sign = text.starts_with(['#', '>', '+', '-', '=', '~', ':', '|']);
    if is_sign { format!("\\{text}") } else { text.to_owned() }
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
            spans.push(Block { kind: *kind, span: Span::new(start, text.len()), area: None, confidence: None });
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
            markup: crate::values::Markup::default(),
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
