//! State that all stages of one run share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::cancel::Cancel;
use super::contexts::Contexts;
use super::extract::thoughts::ThoughtRoom;
use super::in_flight::InFlight;
use super::large::LargeTurn;
use super::parser::Parsing;
use super::provider::Remote;
use super::tally::Tally;
use super::watchdog::Signs;
use crate::stages::extract::Phrasing;
use crate::stages::pipeline::Pipeline;
use crate::stages::write::{Blocklist, Origin};
use crate::store::{Counts, Disk, FpId, Generation, Reader, ResponseId, Scope, StageFps, Store, StoreError, Writer};
use crate::values::{Event, SourcePath, Stage, StageMap, Subject};

/// Places of vocabulary files.
pub(super) struct OutputPlaces {
    pub(super) disk: Arc<dyn Disk>,
    /// The output folder, by its canonical path.
    pub(super) output: PathBuf,
    pub(super) origin: Origin,
    pub(super) blocklist: Option<Arc<Blocklist>>,
}

/// Everything that the stages of one run share.
pub(super) struct Run<'a> {
    pub(super) store: &'a Store,
    pub(super) writer: Writer,
    pub(super) tally: Arc<Tally>,
    pub(super) signs: Signs,
    pub(super) cancel: &'a Cancel,
    pub(super) in_flight: InFlight,
    pub(super) large: LargeTurn,
    /// Set when no more can be asked of a provider: stages that feed it stop too.
    pub(super) halted: Arc<AtomicBool>,
    /// Set when a stored result was found that is not as it was stored: what waits for it again is done before the run ends.
    pub(super) spoilt: AtomicBool,
    pub(super) pool: rayon::ThreadPool,
    pub(super) workers: usize,
    pub(super) pipeline: Pipeline,
    /// Phrasing of the pipeline's requests.
    pub(super) phrasing: Phrasing,
    pub(super) remote: Option<&'a Remote>,
    pub(super) fps: StageFps,
    /// The fingerprints of the run before.
    pub(super) before: StageMap<Option<FpId>>,
    pub(super) question: FpId,
    pub(super) generation: Generation,
    /// Number for the next response.
    pub(super) next_response: AtomicI64,
    /// Part of the input root that this run is about.
    pub(super) scope: Scope,
    pub(super) root: PathBuf,
    pub(super) places: OutputPlaces,
    pub(super) contexts: Contexts,
    /// Room for thoughts that requests get.
    pub(super) thoughts: ThoughtRoom,
    pub(super) parsing: Parsing,
    pub(super) now_ms: fn() -> i64,
}

impl Run<'_> {
    /// True if nothing new may be begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.cancel.is_stopping() || self.halted.load(Ordering::Relaxed)
    }

    /// Lets nothing new begin, until [`Run::go_on`].
    pub(super) fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    pub(super) fn go_on(&self) {
        self.halted.store(false, Ordering::Relaxed);
    }

    pub(super) fn emit(&self, event: Event) {
        self.signs.alive();
        self.tally.emit(event);
    }

    /// Number for a response that came.
    pub(super) fn new_response(&self) -> ResponseId {
        ResponseId(self.next_response.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn file_of(&self, path: &SourcePath) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        self.root.join(std::ffi::OsStr::from_bytes(&path.to_bytes()))
    }

    /// Counts of a stage.
    pub(super) fn counts(&self, reader: &Reader, stage: Stage) -> Result<Counts, StoreError> {
        reader.counts(&self.fps, stage, self.scope)
    }

    /// Files in scope that have come through `stage`.
    pub(super) fn files_through(&self, reader: &Reader, stage: Stage) -> Result<u64, StoreError> {
        match stage.subject() {
            Subject::Document => reader.files_through(self.fps[stage], self.scope),
            Subject::File => Ok(self.counts(reader, stage)?.done),
        }
    }
}

#[cfg(test)]
impl<'a> Run<'a> {
    /// A run over a store that tests have filled themselves: no document is in it, no stage is run.
    pub(super) fn over(
        store: &'a Store,
        cancel: &'a Cancel,
        pipeline: &Pipeline,
        question: FpId,
        next_response: ResponseId,
        now_ms: fn() -> i64,
        events: &crossbeam_channel::Sender<Event>,
    ) -> Self {
        let provider = &pipeline.provider;
        let (pipeline_name, provider_name) = (pipeline.name.clone(), provider.name.clone());
        Self {
            store,
            writer: Writer::start(store, now_ms, |_| ()).unwrap(),
            tally: Arc::new(Tally::new(super::error_log::ErrorLog::new(store.output(), now_ms), events.clone())),
            signs: Signs::new(),
            cancel,
            in_flight: InFlight::nowhere(),
            large: LargeTurn::default(),
            halted: Arc::new(AtomicBool::new(false)),
            spoilt: AtomicBool::new(false),
            pool: rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap(),
            workers: 1,
            fps: StageMap::from_fn(|_| question),
            before: StageMap::default(),
            question,
            generation: Generation::default(),
            next_response: AtomicI64::new(next_response.0),
            scope: Scope::Whole,
            root: store.output().to_path_buf(),
            places: OutputPlaces {
                disk: Arc::clone(store.disk()),
                output: store.output().to_path_buf(),
                blocklist: None,
                origin: Origin { pipeline: pipeline_name, provider: provider_name, model: provider.model.clone() },
            },
            contexts: Contexts::default(),
            thoughts: ThoughtRoom::default(),
            pipeline: pipeline.clone(),
            phrasing: Phrasing::new(pipeline),
            remote: None,
            parsing: Parsing::Here(crate::stages::parse::ParseSettings::default()),
            now_ms,
        }
    }
}
