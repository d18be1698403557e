//! A disk that fails where it is told to, and a run on it in this process.

use std::path::Path;
use std::sync::Arc;

use corpora::engine::{self, Cancel, Finished, RunConfig, RunError};
use corpora::pipelines;
use corpora::stages::discover::Inputs;
use corpora::stages::write::Blocklist;
pub(crate) use corpora::store::{Disk, DiskFile, MachineDisk};

#[path = "../../src/store/faulty.rs"]
#[allow(dead_code, reason = "the tests of the library use the rest")]
mod faulty;

pub(crate) use faulty::{Fault, FaultyDisk};

/// Runs the pipeline `vocabulary` over `books` into OUT with the terms of `blocklist` flagged, on this disk.
pub(crate) fn run_on(disk: Arc<dyn Disk>, shelf: &Path, out: &Path, blocklist: &str) -> Result<Finished, RunError> {
    let inputs = Inputs::resolve(shelf, &["books".into()]).unwrap();
    let pipeline = pipelines::find("vocabulary").unwrap();
    let config = RunConfig {
        disk,
        workers: 2,
        blocklist: Some(Arc::new(Blocklist::parse(blocklist).unwrap())),
        stalled: || panic!("the run stands still"),
        ..RunConfig::new(inputs, out.to_path_buf(), pipeline, || 1_700_000_000_000)
    };
    let (events, _told) = crossbeam_channel::unbounded();
    engine::run(&config, &Cancel::default(), &events)
}
