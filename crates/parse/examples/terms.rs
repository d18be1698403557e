//! Prints what a document's author says of terms: `cargo run -p corpora-parse --example terms -- FILE`.

use std::io::Write;

use corpora_parse::{ParseSettings, parse};
use corpora_values::{BlockKind, MarkKind};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().next_back().ok_or("give a file")?;
    let document = parse(std::fs::read(&file)?, &ParseSettings::default(), &mut |_, _| {})
        .map_err(|failure| format!("{}: {}", file.to_string_lossy(), failure.message))?;
    let mut out = std::io::stdout().lock();
    for pair in document.blocks.windows(2) {
        if pair[0].kind == BlockKind::DefinitionTerm && pair[1].kind == BlockKind::Definition {
            writeln!(out, "{}\t{}", pair[0].span.of(&document.text), pair[1].span.of(&document.text))?;
        }
    }
    for mark in &document.markup.marks {
        let text = mark.span.of(&document.text);
        match &mark.kind {
            MarkKind::Defined | MarkKind::RunIn => writeln!(out, "{text}")?,
            MarkKind::Abbreviation(Some(meaning)) => writeln!(out, "{text}\t{meaning}")?,
            _ => {}
        }
    }
    Ok(())
}
