//! The hot paths one by one, with criterion: hashing, PDF layout, chunking, candidates, store writing, the resume scan, the limiter.
//! Packing and importing batches are measured at scale by `--bench batches`, traffic by `--bench traffic`.
//!
//! `cargo bench --bench hot_paths`

#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

use corpora::remote::{Charge, Limiter, Rates};
use corpora::stages::chunk::chunk;
use corpora::stages::extract::extract_embedded;
use corpora::stages::parse::{ParseSettings, parse};
use corpora::store::{Change, Checkpoint, DocId, FileChange, FileState, FpId, Scope, Session, Store, Writer, encode};
use corpora::values::{Fingerprint, ParsedDocument, SourcePath, Stage, StageMap};

use shelf::documents;

/// 27 KB of prose.
fn story() -> Vec<String> {
    (0..20).flat_map(documents::story).collect()
}

fn book() -> Vec<u8> {
    let text = story();
    documents::pdf(&text.chunks(40).collect::<Vec<_>>())
}

fn parsed() -> ParsedDocument {
    parse(book(), &ParseSettings::default(), &mut |_, _| {}).unwrap()
}

fn stages(c: &mut Criterion) {
    let megabyte = vec![7_u8; 1 << 20];
    let mut group = c.benchmark_group("hash");
    group.throughput(Throughput::Bytes(1 << 20));
    group.bench_function("sha256, 1 MiB", |b| b.iter(|| Fingerprint::of(&megabyte)));
    group.finish();

    let (book, document) = (book(), parsed());
    let pipeline = corpora::pipelines::find("vocabulary").unwrap();
    let mut group = c.benchmark_group("stages");
    group.throughput(Throughput::Bytes(document.text.len() as u64));
    group.bench_function("PDF to text, 13 pages", |b| {
        b.iter(|| parse(&book, &ParseSettings::default(), &mut |_, _| {}).unwrap());
    });
    group.bench_function("chunk", |b| b.iter(|| chunk(&document, pipeline.chunk)));
    group.bench_function("candidates", |b| b.iter(|| extract_embedded(&pipeline.method, &document)));
    group.bench_function("encode for the store", |b| b.iter(|| encode(&document)));
    group.finish();
}

/// A store of `count` documents of which all but the last hundredth are parsed.
fn filled(folder: &std::path::Path, count: usize) -> (Store, FpId) {
    let store = Store::open_or_create(folder).unwrap();
    let fp = Session::begin(&store).unwrap().intern("parse", None, &Fingerprint([1; 32]), "{}").unwrap();
    let writer = Writer::start(&store, || 0, |_| ()).unwrap();
    let artifact = encode(&parsed());
    for n in 0..count {
        let hash = Fingerprint::of(&n.to_le_bytes());
        let file = FileChange {
            path: SourcePath::from_text(format!("{n:08}.pdf")),
            state: FileState::Present,
            content: Some((hash, 1)),
            size: 1,
            mtime_ns: 1,
            identity: None,
            failure: None,
            scope: Scope::Whole,
        };
        let mut changes = vec![Change::File(file)];
        if n < count - count / 100 {
            changes.push(done(fp, n as i64 + 1, artifact.clone()));
        }
        writer.submit(Checkpoint::new(changes, Vec::new())).unwrap();
    }
    writer.finish().unwrap();
    (store, fp)
}

fn done(fp: FpId, doc: i64, artifact: Vec<u8>) -> Change {
    Change::Done { fp, doc: DocId(doc), attempts: 1, terms: 0, notes: String::new(), gap: None, artifact }
}

fn store(c: &mut Criterion) {
    const COUNT: usize = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let (store, fp) = filled(dir.path(), COUNT);
    let reader = store.reader().unwrap();
    let fps = StageMap::from_fn(|_| fp);
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("resume scan, 20,000 documents, 1 % left", |b| {
        b.iter(|| {
            let (mut after, mut left) = (DocId(0), 0);
            loop {
                let page = reader.pending(&fps, Stage::Parse, Scope::Whole, after, 64).unwrap();
                let Some(last) = page.last() else { break };
                after = last.doc;
                left += page.len();
            }
            assert_eq!(left, COUNT / 100);
        });
    });
    drop(reader);
    let artifact = encode(&parsed());
    let again = Session::begin(&store).unwrap().intern("parse", None, &Fingerprint([2; 32]), "{}").unwrap();
    let writer = Writer::start(&store, || 0, |_| ()).unwrap();
    group.throughput(Throughput::Elements(1_000));
    group.sample_size(10);
    group.bench_function("checkpoints, 1,000 with 10 KB each, durable", |b| {
        b.iter_batched(
            || {
                (1..=1_000)
                    .map(|n| Checkpoint::new(vec![done(again, n, artifact.clone())], Vec::new()))
                    .collect::<Vec<_>>()
            },
            |checkpoints| {
                checkpoints.into_iter().for_each(|checkpoint| writer.submit(checkpoint).unwrap());
                writer.flush().unwrap();
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
    writer.finish().unwrap();
}

fn limiter(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rates =
        Rates { requests: Some(u64::from(u32::MAX)), input: Some(1 << 50), output: Some(1 << 50), tokens: None };
    let limiter = Limiter::new(rates, Charge { input: 10_000, output: 10_000 }, 1 << 20, true);
    let mut group = c.benchmark_group("limiter");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a permit under limits that are never reached", |b| {
        b.iter(|| {
            let permit = runtime.block_on(limiter.acquire(2_000, 500));
            limiter.settle(permit, 2_000, None, std::time::Duration::from_secs(1));
        });
    });
    group.finish();
}

criterion_group!(benches, stages, store, limiter);
criterion_main!(benches);
