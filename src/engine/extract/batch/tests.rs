//! The ledger as it is run: the driver, its decisions, the importing of results and a real store, against a provider that
//! misbehaves and a program that dies, with a model beside them that knows what has to come out.

mod provider;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use self::provider::{LISTING_LAG_MS, NOW_MS, Provider, TOLD_TOKENS, Told};
use super::driver::Driver;
use super::pack::payload_place;
use crate::engine::cancel::Cancel;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::provider::{BatchOptions, EndpointKind, Remote};
use crate::remote::{ANTHROPIC, BatchLimits, Dialect, Endpoint, OPENAI_CHAT, Rates, Vendor};
use crate::stages::chunk::ChunkSettings;
use crate::stages::extract::ContextChoice;
use crate::stages::extract::{TermSettings, local, term_key};
use crate::stages::pipeline::{AccountLimits, Method, Pipeline, ProviderChoice, Shape};
use crate::store::{
    BatchId, BatchRequest, BatchRow, BatchState, Change, Checkpoint, DocId, FpId, Generation, Reader, ResponseId,
    Session, Store,
};
use crate::values::{Event, Fingerprint};

/// The attempt budget, and what an answer that cannot be used costs of it.
const BUDGET: u32 = 8;
const BAD_ANSWER: u32 = 2;

const TERMS: [&str; 6] = ["alder", "birch", "cedar", "hazel", "larch", "willow"];

fn pipeline() -> Pipeline {
    let item = json!({"type": "object", "additionalProperties": false, "required": ["text", "pos"],
        "properties": {"text": {"type": "string"}, "pos": {"enum": ["noun", "verb"]}}});
    Pipeline {
        name: "trees".into(),
        description: "trees".into(),
        chunk: ChunkSettings { max_tokens: 100, overlap_tokens: 0 },
        method: Method::Terms(TermSettings {
            per_thousand_words: 10.0,
            sure_from: None,
            minimum: 1,
            maximum: 100,
            max_words: 1,
            max_occurrences: 1,
            wanted: crate::stages::extract::Wanted::Terms,
        }),
        prompt: "classify".into(),
        schema: json!({"type": "object", "additionalProperties": false, "required": ["items"],
            "properties": {"items": {"type": "array", "items": item}}}),
        shape: Shape::Answer,
        values: BTreeMap::new(),
        language: None,
        examples: Vec::new(),
        earlier: Vec::new(),
        small: None,
        provider: ProviderChoice {
            name: "anthropic".into(),
            model: Some("m".into()),
            origin: None,
            api_version: None,
            max_output_tokens: 100,
            terms_per_request: 3,
            settings: crate::stages::model_settings::ModelSettings::default(),
            limits: AccountLimits::default(),
        },
    }
}

fn remote(vendor: &'static dyn Vendor) -> Remote {
    Remote {
        endpoint: Endpoint::new("http://127.0.0.1:9", false).unwrap(),
        dialect: Dialect::new(vendor, "m", "1", false),
        key: None,
        rates: Rates::default(),
        most_in_flight: 1,
        timeout: Duration::from_secs(1),
        between_tokens: None,
        structured: None,
        patience: Duration::from_secs(1),
        max_cost: None,
        price: None,
        tier: crate::remote::ServiceTier::Standard,
        overlap: false,
        context: ContextChoice::default(),
        batch: BatchOptions::new(vendor.batch_limits()),
        endpoint_kind: EndpointKind::Live,
        now_unix: || NOW_MS as f64 / 1000.0,
    }
}

/// Truth about a term.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Unit {
    spent: u32,
    answered: bool,
    failed: bool,
}

impl Unit {
    fn is_open(&self) -> bool {
        !self.answered && !self.failed
    }

    /// An attempt came to nothing.
    fn tried(&mut self, spent: u32) {
        match spent < BUDGET {
            true => self.spent = spent,
            false => self.failed = true,
        }
    }
}

/// Result that has to come out.
struct Model {
    units: BTreeMap<&'static str, Unit>,
    /// Responses that were paid for and read.
    responses: i64,
    /// Requests by batch and place: what they are about.
    planned: HashMap<(BatchId, i64), Vec<&'static str>>,
    /// Batches that are over.
    over: Vec<i64>,
}

impl Model {
    /// Follows the batches that have come to their end since the last time.
    fn follow(&mut self, db: &Connection, question: FpId, provider: &Provider) {
        let mut ended = db
            .prepare_cached(
                "SELECT id, coalesce(remote, ''), state FROM batch WHERE fp = ?1 AND state >= 5 ORDER BY id",
            )
            .unwrap();
        let rows: Vec<(i64, String, i64)> = ended
            .query_map([question.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for (id, remote, state) in rows {
            if self.over.contains(&id) {
                continue;
            }
            self.over.push(id);
            let mut requests =
                db.prepare_cached("SELECT seq, state, message, attempts FROM batch_request WHERE batch = ?1").unwrap();
            let rows: Vec<(i64, i64, Option<String>, u32)> = requests
                .query_map([id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            for (seq, outcome, message, before) in rows {
                let terms = self.planned[&(BatchId(id), seq)].clone();
                let told = provider.told(&remote, seq as usize);
                let response = told.iter().copied().find(|t| t.is_response());
                let bad = told.iter().copied().find(|t| !t.is_response());
                let came = match (outcome, message.is_some()) {
                    (1, false) => Some(response.expect("a response is stored that nobody sent")),
                    // A refused batch gives back what it has not answered, at no cost.
                    (2, false) => {
                        assert!(
                            [BatchState::Refused as i64, BatchState::Abandoned as i64].contains(&state),
                            "a request was given back by a batch that is neither refused nor given up"
                        );
                        continue;
                    }
                    (2, true) => {
                        assert!(bad.is_some() || told.is_empty(), "a response is lost: {told:?}");
                        // A line about it may not have come; the provider counts it as not done all the same.
                        let is_silent = message.as_deref().is_some_and(|words| words.contains("do not speak"));
                        bad.filter(|_| !is_silent)
                    }
                    other => panic!("a request of a batch that is over is {other:?}"),
                };
                self.responses += i64::from(outcome == 1);
                self.settle(&terms, came, before);
            }
        }
    }

    fn settle(&mut self, terms: &[&'static str], came: Option<Told>, before: u32) {
        for (n, term) in terms.iter().enumerate() {
            let unit = self.units.get_mut(term).unwrap();
            assert!(unit.is_open(), "'{term}' was settled already");
            match came {
                Some(Told::Answered { left_out }) if n >= left_out => unit.answered = true,
                Some(Told::Answered { .. } | Told::Junk) => unit.tried(before + BAD_ANSWER),
                Some(Told::Refused) if terms.len() > 1 => unit.tried(before + BAD_ANSWER),
                Some(Told::Refused | Told::Wrong) => unit.failed = true,
                Some(Told::Undone) | None => unit.tried(before + 1),
            }
        }
    }
}

fn key(term: &str) -> Fingerprint {
    term_key(&local::key_form(term))
}

/// One course of events, and what it ran into.
struct Course<'a> {
    store: &'a Store,
    db: &'a Connection,
    question: FpId,
    rng: fastrand::Rng,
    provider: Arc<Provider>,
    model: Model,
}

impl Course<'_> {
    /// Plans everything that has no answer, in batches of chance. Says whether there was anything.
    async fn plan(&mut self, run: &Run<'_>, reader: &Reader, calm: bool) -> Result<bool, RunError> {
        let mut open = Vec::new();
        for (term, unit) in &self.model.units {
            let key = key(term);
            assert_eq!(
                reader.is_answered(self.question, &key, Generation::default())?,
                unit.answered,
                "'{term}' is answered"
            );
            let failure = reader.unit_failure(self.question, &key, Generation::default())?;
            assert_eq!(failure.is_some(), unit.failed, "'{term}' has failed: {failure:?}");
            assert!(!reader.is_in_batch(self.question, &key)?, "'{term}' is left in a batch");
            if unit.is_open() {
                assert_eq!(reader.unit_attempts(self.question, &key)?.0, unit.spent, "attempts at '{term}'");
                open.push(*term);
            }
        }
        self.rng.shuffle(&mut open);
        let mut id = reader.next_batch()?;
        let mut rest = &open[..];
        while !rest.is_empty() {
            let token = format!("c{:016x}", self.rng.u64(..));
            // A number comes again if its planning was cut off.
            self.model.planned.retain(|(batch, _), _| *batch != id);
            let mut payload: Vec<Vec<&str>> = Vec::new();
            let mut changes = Vec::new();
            while !rest.is_empty() && payload.len() < 4 && (payload.is_empty() || self.rng.u32(..4) > 0) {
                let (terms, left) = rest.split_at(self.rng.usize(1..=rest.len().min(3)));
                rest = left;
                let seq = payload.len() as i64;
                let attempts = terms.iter().map(|t| self.model.units[t].spent).max().unwrap_or(0);
                self.model.planned.insert((id, seq), terms.to_vec());
                let units = terms.iter().map(|t| key(t)).collect();
                let request =
                    BatchRequest { batch: id, seq, doc: DocId(1), attempts, max_output: 100, input: 50, units };
                changes.push(Change::BatchRequest(self.question, Box::new(request)));
                payload.push(terms.to_vec());
            }
            let place = payload_place(self.store.output(), &token);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(&place, serde_json::to_vec(&payload).unwrap()).unwrap();
            // A planning that is cut off leaves requests without a batch.
            if !calm && self.rng.u32(..20) == 0 {
                run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
                run.writer.flush()?;
                match self.provider.die().await {}
            }
            changes.push(Change::BatchPlanned(Box::new(self.row(id, token, payload.len()))));
            run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
            id = id.next();
        }
        run.writer.flush()?;
        Ok(!open.is_empty())
    }

    fn row(&self, id: BatchId, token: String, requests: usize) -> BatchRow {
        BatchRow {
            id,
            question: self.question,
            generation: Generation::default(),
            model: "m".into(),
            token,
            sha: Fingerprint([0; 32]),
            requests: requests as u64,
            bytes: 1,
            input: 50 * requests as u64,
            reserved: None,
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
        }
    }

    /// Runs the program again and again until nothing is left to do. Says how often a person said that it may pay twice.
    fn run(&mut self, runtime: &tokio::runtime::Runtime, remote: &Remote, pipeline: &Pipeline) -> u32 {
        let (mut resubmit, mut abandon, mut resubmitted, mut was_killed) = (false, false, 0, false);
        for session in 0.. {
            assert!(session < 60, "it never comes to rest");
            let calm = session >= 3;
            let cancel = Cancel::default();
            let killed_in = (!calm && self.rng.u32(..5) < 2).then(|| self.rng.u32(1..30));
            let stopped_in = (!calm && self.rng.u32(..6) == 0).then(|| (self.rng.u32(1..20), cancel.clone()));
            self.provider.begin(calm, killed_in, stopped_in);
            let options = BatchOptions {
                abandon: false,
                limits: BatchLimits { requests: 4, bytes: 1 << 20 },
                most_tokens: None,
                most_open: (self.rng.u32(..4) == 0).then_some(1),
                per_hour: None,
                detach: !calm && self.rng.u32(..5) == 0,
                probe: false,
                finish_live: false,
                poll: Duration::from_millis(20),
                listing_lag: Duration::from_millis(LISTING_LAG_MS),
                resubmit,
            };
            resubmitted += u32::from(resubmit || abandon);
            if was_killed {
                Session::begin(self.store).unwrap().forget_unplanned_batches().unwrap();
            }
            let mut last = self.db.prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM response").unwrap();
            let next_response: i64 = last.query_row([], |r| r.get(0)).unwrap();
            let (events, _received) = crossbeam_channel::unbounded::<Event>();
            let run =
                Run::over(self.store, &cancel, pipeline, self.question, ResponseId(next_response), || NOW_MS, &events);
            let provider = Arc::clone(&self.provider);
            let mut driver = Driver::new(&run, remote, &options, Arc::clone(&provider), run.question).unwrap();
            if abandon {
                for batch in driver.reader.open_batches(self.question).unwrap() {
                    driver.give_up(&batch, "given up by a person").unwrap();
                }
            }
            let ended = runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = provider.killed() => None,
                    done = self.rounds(&run, &mut driver, calm) => Some(done.unwrap()),
                }
            });
            let stop = driver.stop.take();
            drop(driver);
            let Run { writer, .. } = run;
            was_killed = ended.is_none();
            match ended {
                None => writer.kill(),
                Some(_) => drop(writer.finish().unwrap()),
            }
            self.model.follow(self.db, self.question, &self.provider);
            if ended == Some(true) {
                return resubmitted;
            }
            let says = |words: &str| stop.as_ref().is_some_and(|stop| stop.message.contains(words));
            (resubmit, abandon) = (says("--resubmit"), says("--abandon-batches"));
            // Until somebody starts it again.
            let pause = Duration::from_millis(self.rng.u64(..200));
            runtime.block_on(async { tokio::time::sleep(pause).await });
        }
        unreachable!("the sessions are bounded")
    }

    /// As the driver's own rounds, without looking through documents. Says whether all is done.
    async fn rounds(&mut self, run: &Run<'_>, driver: &mut Driver<'_, Provider>, calm: bool) -> Result<bool, RunError> {
        loop {
            if !driver.drive_open().await? {
                return Ok(false);
            }
            self.model.follow(self.db, self.question, &self.provider);
            if !self.plan(run, &driver.reader, calm).await? {
                return Ok(true);
            }
        }
    }

    /// Nothing twice, nothing lost, the counts add up.
    fn check(&self, resubmitted: u32) {
        let count = |sql: &str| -> i64 {
            self.db.prepare_cached(sql).unwrap().query_row([self.question.0], |r| r.get(0)).unwrap()
        };
        let units = &self.model.units;
        assert!(units.values().all(|u| u.answered != u.failed), "not settled: {units:?}");
        let answered = units.values().filter(|u| u.answered).count() as i64;
        assert_eq!(count("SELECT count(*) FROM answer WHERE fp = ?1"), answered, "answers");
        assert_eq!(count("SELECT count(*) FROM unit_failure WHERE fp = ?1"), units.len() as i64 - answered, "failures");
        assert_eq!(count("SELECT count(*) FROM response WHERE fp = ?1"), self.model.responses, "responses");
        assert_eq!(count("SELECT count(*) FROM response WHERE fp = ?1 AND state = 0"), 0, "responses that nobody read");
        let (input, output) = TOLD_TOKENS;
        let tokens = count("SELECT coalesce(sum(input + output), 0) FROM response WHERE fp = ?1");
        assert_eq!(tokens, self.model.responses * (input + output) as i64, "tokens");
        assert_eq!(count("SELECT count(*) FROM batch WHERE fp = ?1 AND state < 5"), 0, "batches left open");
        let waiting =
            "SELECT count(*) FROM batch_request r JOIN batch b ON b.id = r.batch WHERE b.fp = ?1 AND r.state = 0";
        assert_eq!(count(waiting), 0, "requests without an outcome");
        assert_eq!(count("SELECT count(*) FROM batch_unit WHERE fp = ?1"), 0, "units still in a batch");
        let requests = "SELECT count(*) FROM batch_request r JOIN batch b ON b.id = r.batch WHERE b.fp = ?1";
        let planned = self.model.planned.keys().filter(|(id, _)| self.model.over.contains(&id.0)).count() as i64;
        assert_eq!(count(requests), planned, "requests");
        let creations = self.provider.creations();
        assert!(creations.values().all(|n| *n <= 1 + resubmitted), "a payload was created twice: {creations:?}");
        if resubmitted == 0 {
            let ours = self.provider.ours();
            let known = |id: &String| {
                let mut query =
                    self.db.prepare_cached("SELECT count(*) FROM batch WHERE fp = ?1 AND remote = ?2").unwrap();
                query.query_row(rusqlite::params![self.question.0, id], |r| r.get::<_, i64>(0)).unwrap() == 1
            };
            assert!(ours.iter().all(known), "a batch at the provider is in no ledger");
        }
    }
}

/// Courses that share a store: each is about a question of its own, and they find each other's rows there.
const COURSES_PER_STORE: u64 = 50;

fn courses(seeds: std::ops::Range<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let pipeline = pipeline();
    let mut strict = 0;
    let total = seeds.end - seeds.start;
    let mut world = None;
    for seed in seeds {
        if seed % COURSES_PER_STORE == 0 || world.is_none() {
            drop(world.take());
            // In memory where that is possible: nothing here is about the disk.
            let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
            let store = Store::open_or_create(folder.path()).unwrap().without_syncs();
            let db = Connection::open(store.database()).unwrap();
            world = Some((folder, store, db));
        }
        let (_, store, db) = world.as_ref().unwrap();
        fastrand::seed(seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        let shows_token = rng.bool();
        let name = Fingerprint::of(format!("question {seed}").as_bytes());
        let question = Session::begin(store).unwrap().intern("question", None, &name, "{}").unwrap();
        let units = TERMS[..rng.usize(1..=TERMS.len())].iter().map(|t| (*t, Unit::default())).collect();
        let mut course = Course {
            store,
            db,
            question,
            provider: Arc::new(Provider::new(rng.u64(..), shows_token)),
            rng,
            model: Model { units, responses: 0, planned: HashMap::new(), over: Vec::new() },
        };
        let remote = remote(if shows_token { OPENAI_CHAT } else { ANTHROPIC });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let resubmitted = course.run(&runtime, &remote, &pipeline);
            course.check(resubmitted);
            resubmitted
        }));
        match outcome {
            Ok(resubmitted) => strict += u64::from(resubmitted == 0),
            Err(panic) => panic!("course {seed}: {:?}", panic.downcast_ref::<String>()),
        }
    }
    assert!(strict * 10 > total * 6, "only {strict} of {total} courses never paid twice on purpose");
}

/// A thousand courses, in parts that run side by side.
macro_rules! parts {
    ($($name:ident: $part:literal),*) => {$(
        #[test]
        fn $name() {
            courses(250 * $part..250 * ($part + 1));
        }
    )*};
}

mod whatever_happens_nothing_is_paid_twice_and_nothing_is_lost {
    use super::courses;

    parts!(first_part: 0, second_part: 1, third_part: 2, fourth_part: 3);

    /// Ten times as many as each time, in parts that use every core.
    mod nine_thousand_more {
        use super::courses;

        macro_rules! further_parts {
            ($($name:ident: $part:literal),*) => {$(
                #[test]
                #[ignore = "ten times as many as each time: minutes"]
                fn $name() {
                    courses(1_000 + 1_500 * $part..1_000 + 1_500 * ($part + 1));
                }
            )*};
        }

        further_parts!(first: 0, second: 1, third: 2, fourth: 3, fifth: 4, sixth: 5);
    }
}
