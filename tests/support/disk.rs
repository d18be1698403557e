//! A disk that fails where it is told to, and a run on it in this process.

use std::path::Path;
use std::sync::Arc;

use corpora::engine::{self, Cancel, ConsolidateConfig, ConsolidateError, Consolidated, Finished, RunConfig, RunError};
use corpora::pipelines;
use corpora::stages::discover::Inputs;
use corpora::stages::write::Blocklist;
pub(crate) use corpora::store::{Disk, DiskFile, MachineDisk};
use corpora::store::{FpId, Session, Store, StoreError};
use corpora::values::{Event, StageMap};

#[path = "../../src/store/faulty.rs"]
#[allow(dead_code, reason = "the tests of the library use the rest")]
mod faulty;

pub(crate) use faulty::{Fault, FaultyDisk, Operation};

/// Runs the pipeline `vocabulary` over `books` into OUT with the terms of `blocklist` flagged, on this disk.
pub(crate) fn run_on(disk: Arc<dyn Disk>, shelf: &Path, out: &Path, blocklist: &str) -> Result<Finished, RunError> {
    run_told(disk, shelf, out, blocklist, |_| ())
}

/// The same; whoever tells an event waits until somebody has begun to hear it.
pub(crate) fn run_told(
    disk: Arc<dyn Disk>,
    shelf: &Path,
    out: &Path,
    blocklist: &str,
    hear: impl Fn(&Event) + Send,
) -> Result<Finished, RunError> {
    let inputs = Inputs::resolve(shelf, &["books".into()]).unwrap();
    let pipeline = pipelines::find("vocabulary").unwrap();
    let config = RunConfig {
        disk,
        workers: 2,
        blocklist: Some(Arc::new(Blocklist::parse(blocklist).unwrap())),
        stalled: || panic!("the run stands still"),
        ..RunConfig::new(inputs, out.to_path_buf(), pipeline, || 1_700_000_000_000)
    };
    let (events, told) = crossbeam_channel::bounded(0);
    std::thread::scope(|scope| {
        scope.spawn(move || told.iter().for_each(|event| hear(&event)));
        let finished = engine::run(&config, &Cancel::default(), &events);
        drop(events);
        finished
    })
}

/// Consolidates a folder, with publishing on this disk, and removes vocabulary files whose source is gone.
pub(crate) fn consolidate_on(disk: Arc<dyn Disk>, folder: &Path) -> Result<Consolidated, ConsolidateError> {
    let holder = "a test".to_owned();
    let config = ConsolidateConfig {
        folder: folder.into(),
        disk,
        remove_orphans: true,
        anew: false,
        holder,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    engine::consolidate(&config, &mut |_| ())
}

/// Does what `corpora gc` does to a folder, on this disk.
pub(crate) fn gc_on(disk: Arc<dyn Disk>, folder: &Path) -> Result<(), StoreError> {
    let store = Store::open_or_create_on(disk, folder)?;
    let reader = store.reader()?;
    let fps = StageMap::try_from_fn(|stage| Ok::<_, StoreError>(reader.current(stage)?.unwrap().0))?;
    drop(reader);
    let mut session = Session::begin(&store)?;
    let found = engine::orphans(&mut session, store.output())?;
    engine::remove_orphans(&mut session, &store, &found)?;
    session.collect_garbage(&fps, FpId(0)).map(drop)
}
