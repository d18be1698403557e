//! What the fuzz targets have in common: a document is read, and what comes out holds together. Beside documents: what is no document, and
//! comes from elsewhere too. Of that a reader may say no, in words, and nothing else.

use std::borrow::Cow;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

use corpora::cli::check_settings;
use corpora::engine::read_response;
use corpora::pipelines;
use corpora::remote::{Dialect, LineOutcome, VENDORS, Vendor};
use corpora::stages::extract::{AnswerSchema, AskedUnits};
use corpora::stages::parse::{ParseSettings, parse};
use corpora::store::{compress, decode};
use corpora::values::{Chunk, Extraction, ParsedDocument, Span};
use serde_json::Value;

/// Makes panics that are caught inside the parser (those of other crates, page by page) no finding: libFuzzer's own hook
/// would end the process at each. One that comes out of the parser ends it all the same. Called once, at the start.
pub fn only_what_escapes() {
    std::panic::set_hook(Box::new(|info| {
        if std::env::var_os("CORPORA_FUZZ_PANICS").is_some() {
            eprintln!("{info}");
        }
    }));
}

/// Reads a document as a run does and checks the promises about what comes out. `CORPORA_FUZZ_KEEP` names a file that the
/// document is written to before.
pub fn read(bytes: &[u8]) {
    if let Some(file) = std::env::var_os("CORPORA_FUZZ_KEEP") {
        std::fs::write(file, bytes).expect("the file of CORPORA_FUZZ_KEEP can be written");
    }
    if let Ok(document) = parse(bytes, &ParseSettings::default(), &mut |_, _| {}) {
        check(&document);
    }
}

/// Spans are in order and inside, on boundaries of characters; what refers to a section finds it.
fn check(document: &ParsedDocument) {
    let text = document.text.as_str();
    let is_inside = |span: Span| text.get(span.start as usize..span.end as usize).is_some();
    let mut end = 0;
    for section in &document.sections {
        holds(
            is_inside(section.span) && section.span.start >= end,
            "a section is inside, after the one before",
            document,
        );
        end = section.span.end;
    }
    end = 0;
    for block in &document.blocks {
        holds(is_inside(block.span) && block.span.start >= end, "a block is inside, after the one before", document);
        end = block.span.end;
    }
    for mark in &document.page_marks {
        holds(text.is_char_boundary(mark.at as usize), "a page mark is inside", document);
    }
    for entry in &document.outline {
        let is_there = document.sections.iter().any(|s| s.number == entry.section);
        holds(is_there && entry.level > 0, "an entry of the outline leads to a section", document);
    }
}

fn holds(is_so: bool, promise: &str, document: &ParsedDocument) {
    if !is_so {
        eprintln!("not so: {promise}\n{document:#?}");
        std::process::abort();
    }
}

/// The archive that an input describes: lines `== name` begin an entry each, what follows up to the next is its content. So
/// mutations change what lies in the archive, and not only its checksums. An input that is an archive stays as it is.
pub fn archive(input: &[u8]) -> Cow<'_, [u8]> {
    if input.starts_with(b"PK") {
        return Cow::Borrowed(input);
    }
    packed(input).map_or(Cow::Borrowed(input), Cow::Owned)
}

fn packed(input: &[u8]) -> Option<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for line in input.split_inclusive(|b| *b == b'\n') {
        match line.strip_prefix(b"== ") {
            // A name that is there already is passed over, and its content belongs to the entry before.
            Some(name) => drop(zip.start_file(String::from_utf8_lossy(name).trim_end(), stored)),
            None => drop(zip.write_all(line)),
        }
    }
    Some(zip.finish().ok()?.into_inner())
}

/// A file of this process with this content.
fn written(name: &str, data: &[u8]) -> PathBuf {
    let file = std::env::temp_dir().join(format!("corpora-fuzz-{}-{name}", std::process::id()));
    std::fs::write(&file, data).expect("the folder for temporary files can be written");
    file
}

/// Reads a pipeline file.
pub fn pipeline(data: &[u8]) {
    let file = written("pipeline.toml", data);
    let name = file.to_str().expect("our own name");
    if let Ok(pipeline) = pipelines::find(name) {
        // Whatever is taken can be asked.
        let _ = AnswerSchema::of(&pipeline);
    }
}

/// Reads a settings file.
pub fn settings(data: &[u8]) {
    if let Err(words) = check_settings(&written("corpora.toml", data)) {
        assert!(!words.is_empty());
    }
}

fn dialect(vendor: &'static dyn Vendor) -> Dialect {
    Dialect::new(vendor, "m", vendor.default_api_version(), true)
}

/// Reads a body as a response, an error, an event and a batch of each vendor.
pub fn bodies(data: &[u8]) {
    static SCHEMA: OnceLock<AnswerSchema> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let pipeline = pipelines::find("glossary").expect("it is built in");
        AnswerSchema::of(&pipeline).expect("its schema is one")
    });
    for vendor in VENDORS {
        let dialect = dialect(vendor);
        let _ = (dialect.trouble(429, data), dialect.trouble(200, data), dialect.trouble_in_answer(data));
        let _ = read_response(&dialect, schema, data, AskedUnits::Passage);
        let mut whole = Value::Null;
        for line in data.split(|byte| *byte == b'\n') {
            let Ok(value) = serde_json::from_slice::<Value>(line) else { continue };
            let _ = (vendor.seen(&dialect, &value), vendor.page(&value).0.len(), vendor.is_own_error(&value));
            let _ = vendor.add(&mut whole, &value);
        }
        vendor.break_off(&mut whole);
        let _ = vendor.reply(&whole);
    }
}

/// Reads lines of batch results.
pub fn lines(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(value) = serde_json::from_slice::<Value>(line) else { continue };
        for vendor in VENDORS {
            if let Some(found) = vendor.result(&value)
                && let LineOutcome::Answered(body) = found.outcome
            {
                let _ = dialect(vendor).reply(&body);
            }
        }
    }
}

/// Reads a stored result: what stands in the store, and what it would hold.
pub fn stored(data: &[u8]) {
    for bytes in [data.to_vec(), compress(data)] {
        let _ = (decode::<ParsedDocument>(&bytes), decode::<Vec<Chunk>>(&bytes), decode::<Extraction>(&bytes));
    }
}
