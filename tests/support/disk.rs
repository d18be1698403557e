//! A disk that fails where it is told to, and a run on it in this process.

use std::path::Path;
use std::sync::Arc;

use corpora::engine::{self, Cancel, Finished, ParseLimits, RunConfig, RunError};
use corpora::pipelines;
use corpora::stages::discover::Inputs;
use corpora::stages::parse::ParseSettings;
use corpora::stages::write::Blocklist;
pub(crate) use corpora::store::{Disk, DiskFile, MachineDisk};
use corpora::values::{Formats, Mode, Stage};

#[path = "../../src/store/faulty.rs"]
#[allow(dead_code, reason = "the tests of the library use the rest")]
mod faulty;

pub(crate) use faulty::{Fault, FaultyDisk};

/// What `corpora batch books -o OUT` does with the terms of `blocklist` flagged, on this disk.
pub(crate) fn run_on(disk: Arc<dyn Disk>, shelf: &Path, out: &Path, blocklist: &str) -> Result<Finished, RunError> {
    let config = RunConfig {
        inputs: Inputs::resolve(shelf, &["books".into()]).unwrap(),
        recursive: true,
        formats: Formats::default(),
        limit: None,
        checksum: false,
        output: out.to_path_buf(),
        disk,
        workers: 2,
        mode: Mode::Staged,
        pipeline: pipelines::find("vocabulary").unwrap(),
        remote: None,
        blocklist: Some(Arc::new(Blocklist::parse(blocklist).unwrap())),
        rerun: None,
        until: Stage::Write,
        retry_failed: false,
        dry_run: false,
        parse_program: env!("CARGO_BIN_EXE_corpora").into(),
        parse_limits: ParseLimits::default(),
        parse_settings: ParseSettings::default(),
        holder: "a test".into(),
        now_ms: || 1_700_000_000_000,
        stalled: || panic!("the run stands still"),
    };
    let (events, told) = crossbeam_channel::unbounded();
    let finished = engine::run(&config, &Cancel::default(), &events);
    drop(told);
    finished
}
