//! Everything that a run is asked to do, with every default filled in.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use super::defaults;
use super::provider::Remote;
use super::report::record::TypedCommand;
use super::worker::ParseLimits;
use crate::stages::discover::{Inputs, Listing, Shard};
use crate::stages::parse::ParseSettings;
use crate::stages::pipeline::Pipeline;
use crate::stages::write::{BUILTIN_BLOCKLIST, Blocklist};
use crate::store::{Disk, MachineDisk};
use crate::values::{Formats, Mode, SourcePath, Stage};

/// Order for a run, with every default filled in.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// Inputs to read.
    pub inputs: Inputs,
    /// True if folders below folders are entered.
    pub recursive: bool,
    /// The formats that are taken from folders; a file that is named itself is taken whatever it is.
    pub formats: Formats,
    /// List of the files to look at, made by a walk before; none to walk.
    pub files: Option<Listing>,
    /// Part of the files that this run takes, one of many; none for all.
    pub shard: Option<Shard>,
    /// Recogniser of pages that are pictures, by name and version, as far as it is known.
    pub recogniser: Option<String>,
    /// At most this many documents, the first in path order.
    pub limit: Option<u64>,
    /// True if contents are hashed even if size and modification time are as known.
    pub checksum: bool,
    /// The output folder.
    pub output: PathBuf,
    /// Disk on which results are published: [`MachineDisk`](crate::store::MachineDisk) but in tests.
    pub disk: Arc<dyn Disk>,
    /// Worker threads, each with a parse process of its own.
    pub workers: usize,
    /// Way that documents travel.
    pub mode: Mode,
    /// Kind of extraction.
    pub pipeline: Pipeline,
    /// Provider that is asked; none for the embedded one.
    pub remote: Option<Remote>,
    /// Things that a person is told when the run begins, such as whom it asks and where that was set.
    pub notices: Vec<String>,
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
    /// Place where documents are parsed.
    pub parse_in: ParseIn,
    /// Passwords, and how pages that are pictures are read.
    pub parse_settings: ParseSettings,
    /// Command that a person typed, kept for `status`; none where nobody did.
    pub command: Option<TypedCommand>,
    /// Introduction of this run to a second one that finds the folder locked.
    pub holder: String,
    /// Unix time in milliseconds.
    pub now_ms: fn() -> i64,
    /// Last resort for a run that stands still by a fault of this program and does not end when it is told to: called on a thread of
    /// its own, when everything committed is durable. The program ends its process here.
    pub stalled: fn(),
    /// Gets a file in which the program writes one byte when it aborts, from a signal handler: so the next run knows which documents it was
    /// working on.
    pub aborting: fn(File),
}

/// Place where documents are parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseIn {
    /// Worker processes within limits: a document that hangs, crashes or eats memory fails alone.
    Workers {
        /// Started as `PROGRAM parse-worker BYTES`; it has to call [`serve_parse_worker`](super::serve_parse_worker) with that number.
        program: PathBuf,
        /// Limits of each worker.
        limits: ParseLimits,
    },
    /// Threads of this process. Nothing stands between it and a hostile document: one that hangs holds up the run, one that
    /// overflows the stack or eats all memory ends the process. A panic fails that document alone.
    ThisProcess,
}

impl RunConfig {
    /// An order for a run of a pipeline over `inputs` into the folder `output`, by the embedded provider, with the defaults of
    /// `corpora batch` but for one: documents are parsed in this process. `now_ms` is the clock, Unix time in milliseconds.
    ///
    /// Change what shall be otherwise: `RunConfig { workers: 2, ..RunConfig::new(..) }`. `examples/library.rs` is a whole program.
    pub fn new(inputs: Inputs, output: PathBuf, pipeline: Pipeline, now_ms: fn() -> i64) -> Self {
        Self {
            inputs,
            recursive: true,
            formats: Formats::default(),
            files: None,
            shard: None,
            recogniser: None,
            limit: None,
            checksum: false,
            output,
            disk: Arc::new(MachineDisk),
            workers: defaults::workers(),
            mode: Mode::default(),
            pipeline,
            remote: None,
            notices: Vec::new(),
            blocklist: Blocklist::parse(BUILTIN_BLOCKLIST).ok().map(Arc::new),
            rerun: None,
            until: Stage::Write,
            retry_failed: false,
            dry_run: false,
            parse_in: ParseIn::ThisProcess,
            parse_settings: ParseSettings::default(),
            command: None,
            holder: "a program that uses corpora".to_owned(),
            now_ms,
            stalled: || {},
            aborting: drop,
        }
    }

    /// True if a file is of this run's part. A list says itself which files are.
    pub(super) fn is_in_shard(&self, path: &SourcePath) -> bool {
        self.files.is_some() || self.shard.is_none_or(|shard| shard.holds(path))
    }

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
