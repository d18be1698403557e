//! Measures the local provider against a list of terms: `measure_terms FILE GOLD`. The file is a PDF or an EPUB, or text of
//! which one line is one block; the list holds one term a line. Prints precision at 100 and 500, R-precision and recall at 2 and 5 times the list's
//! length, the share of the list that is among the candidates, the time, and the first terms.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::HashSet;

use corpora::stages::extract::{TermSettings, local};
use corpora::stages::parse;
use corpora::values::{Block, BlockKind, Format, Metadata, ParsedDocument, Section, SectionKind, SectionSource, Span};

fn singular(w: &str) -> String {
    let n = w.len();
    if n > 4 && w.ends_with("ies") {
        format!("{}y", &w[..n - 3])
    } else if n > 4 && ["ses", "xes", "ches", "shes"].iter().any(|e| w.ends_with(e)) {
        w[..n - 2].to_owned()
    } else if n > 3 && w.ends_with('s') && !["ss", "us", "is"].iter().any(|e| w.ends_with(e)) {
        w[..n - 1].to_owned()
    } else {
        w.to_owned()
    }
}

/// The comparison form of the measurements, written apart from the provider's own.
fn key(term: &str) -> String {
    let folded = term.to_lowercase().replace('’', "'").replace("'s ", " ").replace('-', " ");
    let mut words: Vec<String> = folded
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '\''))
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    words.join(" ")
}

fn document(text: String) -> ParsedDocument {
    let mut blocks = Vec::new();
    let mut at = 0;
    for line in text.split('\n') {
        let body = line.trim();
        if !body.is_empty() {
            let start = at + (line.len() - line.trim_start().len());
            blocks.push(Block {
                kind: BlockKind::Paragraph,
                span: Span::new(start, start + body.len()),
                area: None,
                confidence: None,
            });
        }
        at += line.len() + 1;
    }
    let span = Span::new(0, text.len());
    let section = Section {
        kind: SectionKind::Chapter,
        number: 1,
        label: None,
        span,
        source: SectionSource::File,
        recognition: None,
    };
    let metadata = Metadata::default();
    ParsedDocument {
        format: Format::Epub,
        metadata,
        text,
        sections: vec![section],
        blocks,
        outline: Vec::new(),
        page_marks: Vec::new(),
        markup: corpora::values::Markup::default(),
        notes: Vec::new(),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (text, gold) = (arguments.next().unwrap(), arguments.next().unwrap());
    let show: usize = arguments.next().map_or(50, |n| n.parse().unwrap());
    let bytes = std::fs::read(text).unwrap();
    let document = match bytes.starts_with(b"%PDF") || bytes.starts_with(b"PK") {
        true => parse::parse(&bytes, &parse::ParseSettings::default(), &mut |_, _| {}).unwrap(),
        false => document(String::from_utf8(bytes).unwrap()),
    };
    let gold: HashSet<String> =
        std::fs::read_to_string(gold).unwrap().lines().map(key).filter(|k| !k.is_empty()).collect();
    let settings = TermSettings {
        per_thousand_words: 1e6,
        minimum: 0,
        maximum: usize::MAX,
        sure_from: None,
        max_words: 5,
        max_occurrences: 20,
        wanted: corpora::stages::extract::Wanted::Terms,
    };
    let started = std::time::Instant::now();
    let extraction = local::terms(&document, &settings);
    let seconds = started.elapsed().as_secs_f64();
    let mut seen = HashSet::new();
    let mut hits = vec![0];
    for item in &extraction.items {
        let key = key(&item.text);
        if !key.is_empty() && seen.insert(key.clone()) {
            hits.push(hits[hits.len() - 1] + usize::from(gold.contains(&key)));
        }
    }
    let at = |k: usize| hits[k.min(hits.len() - 1)] as f64;
    let g = gold.len();
    println!(
        "P@100 {:.3}  P@500 {:.3}  R-prec {:.3}  R@2G {:.3}  R@5G {:.3}  ceiling {:.3}  candidates {}  {:.2} s  {:.1} MB/s",
        at(100) / 100.0,
        at(500) / 500.0,
        at(g) / g as f64,
        at(2 * g) / g as f64,
        at(5 * g) / g as f64,
        at(usize::MAX) / g as f64,
        extraction.items.len(),
        seconds,
        document.text.len() as f64 / 1e6 / seconds
    );
    for (rank, item) in extraction.items.iter().take(show).enumerate() {
        let e = item.evidence.as_ref().unwrap();
        println!(
            "{:4} {} {}  f{} l{} c{} a{} w{}  {}",
            rank + 1,
            if gold.contains(&key(&item.text)) { '+' } else { ' ' },
            item.text,
            e.frequency,
            e.own_line,
            e.capitalised,
            e.stand_alone,
            e.weirdness,
            item.definition.map_or("", |d| d.of(&document.text))
        );
    }
}
