//! Everything that a run says of itself. The engine emits, reporters consume.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FailureKind, Format, Mode, Phase, SectionKind, SourcePath, Stop};

/// Counts of one phase at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTotals {
    /// Stage.
    pub stage: Phase,
    /// Documents (for `write`, files) done in this run.
    pub done: u64,
    /// Already done before this run.
    pub skipped: u64,
    /// Failed, now or in an earlier run and not retried.
    pub failed: u64,
    /// Wall-clock milliseconds of the stage itself: from the first document that it took up to the last that it was done with.
    pub millis: u64,
}

/// Outcome of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Everything in scope is done.
    Complete,
    /// Some documents failed, others are done.
    Partial,
    /// Every document failed.
    AllFailed,
    /// No documents were found.
    NoDocuments,
    /// Stopped by the user; the next run continues.
    Interrupted,
    /// Everything that has to be asked is at the provider, and the run has left it there as it was told to; the next run collects.
    Detached,
}

/// Sums over what a provider was asked in one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Answers.
    pub answers: u64,
    /// Their prompt tokens, cached ones too.
    pub input_tokens: u64,
    /// Their output tokens.
    pub output_tokens: u64,
    /// Cost, in 1e-12 USD, with what lost requests may have cost; null if the price is not known.
    pub picodollars: Option<i64>,
    /// Requests that the provider refused for its limits.
    pub refused: u64,
}

impl std::ops::AddAssign for Asked {
    fn add_assign(&mut self, more: Self) {
        let Self { answers, input_tokens, output_tokens, picodollars, refused } = more;
        self.answers += answers;
        self.input_tokens += input_tokens;
        self.output_tokens += output_tokens;
        // A sum with a part of unknown price is unknown.
        self.picodollars = self.picodollars.zip(picodollars).map(|(all, part)| all + part);
        self.refused += refused;
    }
}

/// Summary of a run, printed at its end whatever happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Outcome.
    pub outcome: RunOutcome,
    /// Input files in scope.
    pub documents: u64,
    /// Files whose last stage asked for was finished in this run.
    pub succeeded: u64,
    /// Files that needed nothing.
    pub skipped: u64,
    /// Files that failed in some stage.
    pub failed: u64,
    /// Files left waiting, after an interruption.
    pub waiting: u64,
    /// Files that were kept although the text of some pages or chapters is missing; they are counted where they stand, too.
    #[serde(default)]
    pub partial: u64,
    /// Formats that the run took from folders.
    #[serde(default)]
    pub formats: Vec<Format>,
    /// Files that are no documents and were passed over.
    pub ignored: u64,
    /// Of these, how many have the name of a format that could be asked for, by its word for `--formats`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored_formats: BTreeMap<String, u64>,
    /// Terms in the vocabulary files written in this run.
    pub terms: u64,
    /// Of these, flagged.
    pub flagged: u64,
    /// Best terms of these files together, the best one first; a few, to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub best_terms: Vec<String>,
    /// Counts and time per stage, in running order.
    pub stages: Vec<StageTotals>,
    /// Transactions committed to the store.
    pub commits: u64,
    /// Wall-clock milliseconds.
    pub millis: u64,
    /// End of the asking before its time; absent if there was none. In JSON: `stopped`, the words, and `stop_reason`.
    #[serde(flatten)]
    pub stop: Option<Stop>,
    /// Sums over what a provider was asked; absent if none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Models that began to answer in this run in the place of others, under the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_changes: Vec<ModelChange>,
}

impl Summary {
    /// Test whether the same command would do nothing more: all that can be done is done, and what failed, failed with a reason.
    pub fn is_settled(&self) -> bool {
        self.waiting == 0 && self.stop.is_none() && self.outcome != RunOutcome::Interrupted
    }
}

/// Moment from which another model answered than before, although the same name was asked for: providers move their aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelChange {
    /// Model that was asked for.
    pub model: String,
    /// Model that answered before, by its own name.
    pub before: String,
    /// Model that answers since.
    pub since: String,
    /// Unix time in milliseconds of its first answer.
    pub at_ms: i64,
    /// Its answers.
    pub answers: u64,
}

/// One event. `document` is the document's content hash shortened to 12 hexadecimal digits, `path` one of its
/// paths; an event that says a thing is done is sent only after the store has committed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// Program version.
        version: String,
        /// Pipeline name.
        pipeline: String,
        /// Provider name.
        provider: String,
        /// Mode.
        mode: Mode,
    },
    /// Something a person should know, that is no failure.
    Notice {
        /// A lowercase sentence.
        message: String,
    },
    /// Something is lost unless a person does something. It is shown however little is to be shown.
    Warning {
        /// A lowercase sentence.
        message: String,
    },
    /// A stage begins with this much to do. For `discover` the total is not known (0).
    StageStarted {
        /// Stage.
        stage: Phase,
        /// Documents to do.
        total: u64,
        /// Documents done by an earlier run.
        skipped: u64,
        /// Documents failed in an earlier run and left alone.
        failed: u64,
    },
    /// `discover` has found this many files so far.
    Discovered {
        /// Documents so far.
        documents: u64,
        /// Bytes hashed so far.
        bytes_hashed: u64,
    },
    /// A worker took up a document.
    DocumentStarted {
        /// Stage.
        stage: Phase,
        /// Content hash, shortened.
        document: String,
        /// Path.
        path: SourcePath,
    },
    /// A stage that takes long over a document has come this far. Sent now and then, not for every section.
    DocumentProgress {
        /// Stage.
        stage: Phase,
        /// Content hash, shortened.
        document: String,
        /// Path.
        path: SourcePath,
        /// Kind of what is counted.
        section: SectionKind,
        /// Sections done.
        done: u32,
        /// Sections of the document.
        total: u32,
    },
    /// A stage of a document is done and durable.
    DocumentDone {
        /// Stage.
        stage: Phase,
        /// Content hash, shortened.
        document: String,
        /// Path.
        path: SourcePath,
        /// Terms found (extract, write), else 0.
        terms: u64,
        /// Of these, flagged (write), else 0.
        flagged: u64,
        /// Milliseconds of the stage's own computing.
        millis: u64,
        /// Things a person should know of this document.
        notes: Vec<String>,
    },
    /// A stage of a document failed for a passing cause and is tried once more.
    DocumentRetried {
        /// Stage.
        stage: Phase,
        /// Content hash, shortened.
        document: String,
        /// Path.
        path: SourcePath,
        /// Class.
        kind: FailureKind,
        /// Reason.
        message: String,
        /// Attempt that failed, from 1.
        attempt: u32,
    },
    /// A stage of a document failed; the failure is durable.
    DocumentFailed {
        /// Stage.
        stage: Phase,
        /// Content hash, shortened.
        document: String,
        /// Path.
        path: SourcePath,
        /// Class.
        kind: FailureKind,
        /// Reason.
        message: String,
        /// Attempt that failed, from 1.
        attempt: u32,
    },
    /// Progress of the asking of a provider in this run.
    Asking {
        /// Requests in flight.
        in_flight: u64,
        /// Units that are left to be asked about, as far as documents are planned; an estimate for the others.
        units_left: u64,
        /// Units that were answered or given up in this run.
        units_done: u64,
        /// Milliseconds that those left take at the pace of the last ten minutes; null before the first answer.
        millis_left: Option<u64>,
        /// Output tokens a second at that pace.
        tokens_a_second: u64,
        /// Output tokens, about, of streamed answers in flight; in no sum before those are whole.
        tokens_coming: u64,
        /// Cost of all in the end if the rest costs what answers have cost so far, in 1e-12 USD; null if a price or an answer is missing.
        picodollars_at_end: Option<i64>,
        /// Sums so far.
        #[serde(flatten)]
        asked: Asked,
    },
    /// Progress of batches at a provider's batch endpoint.
    Batching {
        /// Batches that the provider has and that are not collected.
        batches: u64,
        /// Requests in them.
        requests: u64,
        /// Of these, done; null where the provider counts only at the end.
        done: Option<u64>,
        /// Sums over batches so far in this run.
        #[serde(flatten)]
        asked: Asked,
    },
    /// A stage ended.
    StageFinished {
        /// Its counts.
        totals: StageTotals,
    },
    /// Ctrl-C was pressed: what is in flight is being finished.
    Stopping,
    /// The run ended.
    RunFinished {
        /// Summary.
        summary: Summary,
    },
}
