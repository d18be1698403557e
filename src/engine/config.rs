//! Everything that a run is asked to do, with every default filled in.

use std::path::PathBuf;
use std::sync::Arc;

use super::provider::Remote;
use super::worker::ParseLimits;
use crate::stages::discover::Inputs;
use crate::stages::parse::ParseSettings;
use crate::stages::pipeline::Pipeline;
use crate::stages::write::Blocklist;
use crate::values::{Formats, Mode, Stage};

/// Order for a run, with every default filled in.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// Inputs to read.
    pub inputs: Inputs,
    /// True if folders below folders are entered.
    pub recursive: bool,
    /// The formats that are taken from folders; a file that is named itself is taken whatever it is.
    pub formats: Formats,
    /// At most this many documents, the first in path order.
    pub limit: Option<u64>,
    /// True if contents are hashed even if size and modification time are as known.
    pub checksum: bool,
    /// The output folder.
    pub output: PathBuf,
    /// Worker threads, each with a parse process of its own.
    pub workers: usize,
    /// Way that documents travel.
    pub mode: Mode,
    /// Kind of extraction.
    pub pipeline: Pipeline,
    /// Provider that is asked; none for the embedded one.
    pub remote: Option<Remote>,
    /// Terms that are flagged when files are written.
    pub blocklist: Option<Arc<Blocklist>>,
    /// A stage to do again although nothing changed.
    pub rerun: Option<Rerun>,
    /// The last stage of this run.
    pub until: Stage,
    /// True if failed stages are taken up again, and partial documents where recognition can be had.
    pub retry_failed: bool,
    /// True if only a plan is wanted.
    pub dry_run: bool,
    /// The program that is started as `PROGRAM parse-worker BYTES`.
    pub parse_program: PathBuf,
    /// Limits of a parse worker.
    pub parse_limits: ParseLimits,
    /// Passwords, and how pages that are pictures are read.
    pub parse_settings: ParseSettings,
    /// Introduction of this run to a second one that finds the folder locked.
    pub holder: String,
    /// Unix time in milliseconds.
    pub now_ms: fn() -> i64,
    /// Last resort for a run that stands still by a fault of this program and does not end when it is told to: called on a thread of
    /// its own, when everything committed is durable. The program ends its process here.
    pub stalled: fn(),
}

impl RunConfig {
    /// The last stage that this run does: a dry run plans `extract`, and needs what stands before it.
    pub(super) fn last_stage(&self) -> Stage {
        let planned = Stage::Extract.before().filter(|_| self.dry_run);
        planned.map_or(self.until, |stage| stage.min(self.until))
    }
}

/// A rerun asked for with `--stage` or `--force`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// The first stage to do again.
    pub stage: Stage,
    /// True for `--force`, which also looks into every file again.
    pub force: bool,
}
