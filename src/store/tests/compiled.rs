//! Statements are compiled once: SQLite's counter of recompilations stays 0 for every statement of the store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::present;
use crate::store::database::compiled::calls_on;
use crate::store::{
    BatchId, BatchRequest, BatchRow, BatchState, BatchUpdate, Change, Checkpoint, ConsolidationState, DocId,
    FileChange, FileState, FpId, Generation, Merge, Publication, ReadContent, ReadFile, Reader, ResponseId, Scope,
    Seal, Session, ShardStore, StageFps, Store, StoredResponse, Writer,
};
use crate::values::{Cost, Failure, FailureKind, Fingerprint, Gap, ParsedDocument, SourcePath, Stage, Usage};

/// Every place in the store's sources where a statement is run: file and line.
fn places() -> BTreeSet<(String, u32)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("src/store")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "rs") || path.ends_with("database.rs") || path.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (line, n) in code.lines().zip(1..) {
            let runs = [".execute(", ".row(", ".value(", ".value::<", ".count(", ".rows(", ".each("];
            let of_a_database = ["db", ".db", "self.0", "            "]
                .iter()
                .any(|before| runs.iter().any(|run| line.contains(&format!("{before}{run}"))));
            if of_a_database {
                places.insert((path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), n));
            }
        }
    }
    places
}

fn unit(n: u8) -> Fingerprint {
    Fingerprint([n; 32])
}

fn path(n: u8) -> SourcePath {
    SourcePath::from_text(format!("book-{n}.pdf"))
}

fn failure() -> Failure {
    Failure::new(FailureKind::Empty, "it is empty")
}

/// Every change of one document, numbered from 1 to 9.
fn changes(n: u8, fps: &StageFps, question: FpId, temporary: PathBuf, target: PathBuf) -> Vec<Change> {
    std::fs::write(&temporary, b"terms").unwrap();
    let doc = DocId(n.into());
    let (id, response_id, batch_id) = (i64::from(n), ResponseId(n.into()), BatchId(n.into()));
    let file = |state, content| FileChange {
        path: path(n),
        state,
        content,
        size: 5,
        mtime_ns: 7,
        identity: None,
        failure: None,
        scope: Scope::Part(1),
    };
    let done = |fp, gap| Change::Done { fp, doc, attempts: 1, terms: 3, notes: "note".into(), gap, artifact: vec![n] };
    let usage = Usage { input: 10, output: 5, ..Usage::default() };
    let response = StoredResponse {
        id: response_id,
        question,
        doc,
        units: vec![unit(n)],
        generation: Generation(0),
        attempt: 1,
        model: "m".into(),
        request_id: None,
        batch: None,
        estimate: usage,
        cost: None,
        latency_ms: 1,
        raw: vec![n],
    };
    let batch = BatchRow {
        id: batch_id,
        question,
        generation: Generation(0),
        model: "m".into(),
        token: format!("c{n}"),
        sha: unit(n),
        requests: 2,
        bytes: 9,
        input: 10,
        reserved: Some(Cost(5)),
        state: BatchState::Planned,
        upload: None,
        remote: None,
        status: None,
        succeeded: 0,
        failed: 0,
        owed: 0,
        told: None,
        message: None,
        intent_ms: None,
        submitted_ms: None,
        expires_ms: None,
    };
    let request =
        BatchRequest { batch: batch_id, seq: 0, doc, attempts: 0, max_output: 9, input: 3, units: vec![unit(n)] };
    let update = BatchUpdate { id: batch_id, state: Some(BatchState::Collected), ..BatchUpdate::default() };
    vec![
        Change::File(file(FileState::Unreadable, None)),
        Change::File(file(FileState::Present, Some((unit(n), 5)))),
        Change::Choose { path: path(n), scope: Scope::Part(1) },
        Change::Identified { path: path(n), identity: (8, 9) },
        Change::NameOutputs(|path| vec!["taken.json".into(), format!("{path}.json")]),
        Change::Failed { fp: fps[Stage::Parse], doc, attempts: 1, failure: failure() },
        done(fps[Stage::Parse], Some(Gap::NeedsOcr)),
        done(fps[Stage::Chunk], None),
        done(fps[Stage::Extract], None),
        Change::Response(Box::new(response.clone())),
        Change::Response(Box::new(StoredResponse { id: ResponseId(id + 100), ..response })),
        Change::Read {
            id: response_id,
            outcome: "answered",
            usage: Some(usage),
            cost: Some(Cost(4)),
            answered_by: None,
        },
        Change::Read { id: ResponseId(id + 100), outcome: "malformed", usage: None, cost: None, answered_by: None },
        Change::Answer {
            question,
            unit: unit(n),
            generation: Generation(0),
            answer: vec![n],
            response: Some(response_id),
        },
        Change::UnitFailed {
            question,
            unit: unit(n + 100),
            generation: Generation(0),
            attempts: 8,
            failure: failure(),
        },
        Change::UnitTried { question, unit: unit(n), attempts: 2, raised: true },
        Change::Lost { question, doc, model: "m".into(), message: "cut".into(), most: usage, cost: None, batch: None },
        Change::BatchRequest(question, Box::new(request)),
        Change::BatchPlanned(Box::new(batch)),
        Change::BatchSettled { batch: batch_id, seq: 0, undone: None },
        Change::Batch(Box::new(update)),
        Change::Written {
            path: path(n),
            fp: fps[Stage::Write],
            doc,
            publication: Publication { temporary, target },
            sha: [n; 8],
            bytes: 3,
            terms: 3,
            flagged: 1,
        },
        Change::WriteFailed { path: path(n), attempts: 1, failure: failure() },
        Change::OutputLost(path(n)),
    ]
}

fn ask_everything(reader: &Reader, fps: &StageFps, question: FpId, n: u8) {
    let (doc, id) = (DocId(n.into()), i64::from(n));
    for scope in [Scope::Whole, Scope::Part(1)] {
        reader.corpus_size(scope).unwrap();
        for stage in Stage::ALL {
            reader.counts(fps, stage, scope).unwrap();
            reader.failures_in(fps, stage, scope).unwrap();
        }
        reader.unfinished(fps, scope, DocId(0), 10).unwrap();
        reader.pending(fps, Stage::Chunk, scope, DocId(0), 10).unwrap();
        reader.through(fps[Stage::Parse], scope, DocId(0), 10).unwrap();
        reader.files_through(fps[Stage::Parse], scope).unwrap();
        reader.files_to_write(fps, scope, "", 10).unwrap();
        reader.files_of(doc, scope).unwrap();
        reader.failed_files(fps, scope).unwrap();
        reader.partial_files(fps[Stage::Parse], scope).unwrap();
    }
    reader.meta("generation").unwrap();
    reader.current(Stage::Parse).unwrap();
    reader.spec(fps[Stage::Parse]).unwrap();
    reader.ignored_files().unwrap();
    reader.files_after(fps[Stage::Write], "", 10).unwrap();
    reader.path_of(doc).unwrap();
    reader.written(&format!("book-{n}.pdf.json")).unwrap();
    reader.stage_of(fps[Stage::Parse], doc).unwrap();
    let _ = reader.artifact::<ParsedDocument>(fps, doc);
    reader.large_artifact::<ParsedDocument>(fps, doc, 0).unwrap();
    reader.stored_bytes::<ParsedDocument>(fps, doc).unwrap();
    reader.documents_after(fps[Stage::Write], "", 10).unwrap();
    reader.outcomes_after(fps, "", 10).unwrap();
    reader.failures(fps, drop).unwrap();
    reader.partials(fps[Stage::Parse], drop).unwrap();
    reader.answer(question, &unit(n), Generation(0)).unwrap();
    reader.is_answered(question, &unit(n), Generation(0)).unwrap();
    reader.unit_failure(question, &unit(n), Generation(0)).unwrap();
    reader.unit_attempts(question, &unit(n)).unwrap();
    reader.next_response().unwrap();
    reader.unread_responses(question, ResponseId(0), 10).unwrap();
    reader.ledger_sums().unwrap();
    reader.spending(10).unwrap();
    reader.content_of(DocId(id)).unwrap();
    reader.model_changes().unwrap();
    reader.told(question).unwrap();
    reader.ledger(drop).unwrap();
    reader.open_batches(question).unwrap();
    reader.all_batches().unwrap();
    reader.all_open_batches().unwrap();
    reader.audit().unwrap();
    reader.can_be_audited().unwrap();
    reader.open_batches_at_most().unwrap();
    reader.batch_outcomes(BatchId(id)).unwrap();
    reader.batch_undone(BatchId(id)).unwrap();
    reader.sent_batches().unwrap();
    reader.next_batch().unwrap();
    reader.is_known_batch("batch_1").unwrap();
    reader.waiting_request(BatchId(id), 0).unwrap();
    reader.waiting_requests(BatchId(id), -1, 10).unwrap();
    reader.is_in_batch(question, &unit(n)).unwrap();
    reader.look_at_results(fps, Stage::Parse, DocId(0), 10).unwrap();
    reader.look_at_answers(0, 10).unwrap();
    reader.look_at_responses(0, 10).unwrap();
    reader.look_at_files(fps, "", 10).unwrap();
    reader.can_be_verified().unwrap();
    reader.key_of(question).unwrap();
}

fn edit_everything(session: &mut Session, fps: &StageFps, question: FpId, n: u8) {
    session.intern("parse", None, &unit(n), "{}").unwrap();
    session.succeed(&unit(n), &unit(n + 40), "{}").unwrap();
    session.succeed(&unit(n), &unit(n + 40), "{}").unwrap();
    session.set_meta(&[("a".into(), Some(n.to_string())), ("b".into(), None)]).unwrap();
    session.begin_rerun(fps, Stage::Parse, Scope::Part(1), "again").unwrap();
    session.retry_failed(fps, Scope::Whole).unwrap();
    session.retry_partial(fps, Scope::Whole).unwrap();
    session.forget_unplanned_batches().unwrap();
    session.count_aborts(&[DocId(1), DocId(2)]).unwrap();
    session.forget_aborts(2).unwrap();
    session.orphans().unwrap();
    session.forget_orphans(&["a", "b"]).unwrap();
    session.garbage(fps, question).unwrap();
}

fn keep_everything(state: &ConsolidationState, n: u8) {
    let content = ReadContent { number: n.into(), document: unit(n), made_by: ("p".into(), "q".into(), None) };
    let read = ReadFile { size: 1, mtime_ns: 1, sha: unit(n), content: Ok(content) };
    let name = format!("{n}.vocab.json");
    state.keep(&name, &read).unwrap();
    assert_eq!(state.seen(&name).unwrap(), Some(read));
    state.set_runs(&[PathBuf::from("terms-1")]).unwrap();
    state.runs().unwrap();
    state.digests().unwrap();
    state.files(|_, _, _, _| ()).unwrap();
    state.made_by().unwrap();
    state.problems().unwrap();
    state.forget_unseen().unwrap();
    state.commit().unwrap();
}

/// A shard with documents of which it has everything, and of which one failed; of the parsed ones some lack pages, if `gap` says so.
fn shard(dir: &Path, gap: Option<Gap>) -> Store {
    let store = Store::open_or_create(dir).unwrap().without_syncs();
    store.begin_shard("{}").unwrap();
    let mut session = Session::begin(&store).unwrap();
    let parse = session.intern("parse", None, &unit(201), "{}").unwrap();
    let chunk = session.intern("chunk", Some(parse), &unit(202), "{}").unwrap();
    let writer = Writer::start(&store, || 0, drop).unwrap();
    let mut changes: Vec<Change> = (1..=6).map(|n| Change::File(present(&format!("book-{n}.pdf"), n))).collect();
    for doc in (1..=5).map(DocId) {
        let artifact = store_bytes(doc, gap);
        let done = |fp, gap| Change::Done {
            fp,
            doc,
            attempts: 1,
            terms: 3,
            notes: String::new(),
            gap,
            artifact: artifact.clone(),
        };
        changes.extend([done(parse, gap), done(chunk, None)]);
    }
    changes.push(Change::Failed { fp: parse, doc: DocId(6), attempts: 1, failure: failure() });
    writer.submit(Checkpoint::new(changes, Vec::new())).unwrap();
    writer.finish().unwrap();
    store
}

fn store_bytes(doc: DocId, gap: Option<Gap>) -> Vec<u8> {
    crate::store::encode(&(doc.0, gap.is_some()))
}

/// Puts shards together, and packs one; the databases that it worked on.
fn merge_everything(dir: &Path) -> Vec<PathBuf> {
    let (worse, better) = (shard(&dir.join("worse"), Some(Gap::NeedsOcr)), shard(&dir.join("better"), None));
    better.seal(Seal::Settled).unwrap();
    let pack = dir.join("one.pack");
    worse.pack(&pack).unwrap();
    let main = Store::open_or_create(&dir.join("main")).unwrap().without_syncs();
    let merge = Merge::begin(&main).unwrap();
    for place in [&pack, &dir.join("better"), &dir.join("better")] {
        let shard = ShardStore::open(place).unwrap();
        assert!(shard.header().unwrap().is_some() && !shard.holds_answers().unwrap());
        let _ = (shard.is_settled().unwrap(), shard.current(Stage::Parse).unwrap());
        merge.find_documents(&shard).unwrap();
        merge.number_documents().unwrap();
        merge.take(&shard, &mut |_, _| {}).unwrap();
    }
    merge.finish(|path| vec![format!("{path}.json")], "merged", "{}").unwrap();
    assert!(main.reader().unwrap().has_files().unwrap() && !main.reader().unwrap().has_unnamed_files().unwrap());
    [main.database(), worse.database(), better.database(), pack.with_extension("pack.new"), pack].into()
}

#[test]
fn every_statement_is_compiled_once_however_often_it_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(dir.path()).unwrap().without_syncs();
    let mut session = Session::begin(&store).unwrap();
    let mut fp = |n| session.intern("x", None, &unit(n), "{}").unwrap();
    let fps = &StageFps::from_fn(|stage| fp(201 + stage as u8));
    let question = fp(205);
    let writer = Writer::start(&store, || 0, drop).unwrap();
    let reader = store.reader().unwrap();
    for n in 1..=4 {
        let temporary = store.temporary_folder().join("t");
        let changes = changes(n, fps, question, temporary, dir.path().join(format!("{n}.json")));
        writer.submit(Checkpoint::new(changes, Vec::new())).unwrap();
        writer.flush().unwrap();
        ask_everything(&reader, fps, question, n);
        // An answer whose response can be read again, and one whose response cannot.
        session.db.execute("UPDATE answer SET sum = 0", []).unwrap();
        session.db.execute("UPDATE raw SET sum = 0 WHERE id = ?1", [i64::from(n / 2 * 2)]).unwrap();
        let remake = Change::Remake { fps: Box::new(*fps), doc: DocId(n.into()) };
        writer.submit(Checkpoint::new(vec![remake], Vec::new())).unwrap();
        writer.flush().unwrap();
    }
    // Of a document that no file holds, the counts are made another way.
    writer.submit(Checkpoint::new(vec![Change::Gone(path(1))], Vec::new())).unwrap();
    writer.flush().unwrap();
    ask_everything(&reader, fps, question, 2);
    writer.finish().unwrap();
    for n in 11..=14 {
        edit_everything(&mut session, fps, question, n);
    }
    let state = ConsolidationState::open(dir.path(), false).unwrap();
    (1..=4).for_each(|n| keep_everything(&state, n));

    // Last, and once: giving space back is the one thing after which SQLite has to compile anew.
    session.collect_garbage(fps, question).unwrap();
    store.check_integrity().unwrap();
    let mut calls = calls_on(&store.database());
    calls.extend(calls_on(&dir.path().join(".corpora/master/state.sqlite")));
    let of_shards = tempfile::tempdir().unwrap();
    calls.extend(merge_everything(of_shards.path()).iter().flat_map(|file| calls_on(file)));
    let again: Vec<_> = calls.iter().filter(|(_, again)| **again > 0).collect();
    assert!(again.is_empty(), "statements that SQLite compiled again: {again:#?}");
    let seen: BTreeSet<_> = calls.into_keys().collect();
    // A rescue runs its statements once, over tables that it finds out about.
    let elsewhere = |file: &str| ["distinct.rs", "rescue.rs", "row_copier.rs"].iter().any(|name| file.ends_with(name));
    let missed: Vec<_> = places().into_iter().filter(|p| !seen.contains(p) && !elsewhere(&p.0)).collect();
    assert!(missed.is_empty(), "statements that this test does not run: {missed:#?}");
}
