//! Changes that can be made to the store.

use super::batches::{BatchRequest, BatchRow, BatchUpdate};
use super::files::FileState;
use super::{BatchId, DocId, FpId, Generation, Publication, ResponseId, Scope, StageFps};
use crate::values::{Cost, Event, Failure, Fingerprint, Gap, SourcePath, Usage};

/// Findings of discovery about one input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path of the file.
    pub path: SourcePath,
    /// State of the file.
    pub state: FileState,
    /// Hash and length of its content, if it is a document that could be read.
    pub content: Option<(Fingerprint, u64)>,
    /// Size in bytes when it was looked at.
    pub size: u64,
    /// Modification time in nanoseconds since 1970 when it was looked at.
    pub mtime_ns: i64,
    /// Time of the last change of anything about it, and its inode, when it was looked at.
    pub identity: Option<(i64, u64)>,
    /// Reason for which it could not be read.
    pub failure: Option<Failure>,
    /// Partial run that chose it.
    pub scope: Scope,
}

/// A response of a provider before anybody has looked into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// Number of the response, given by the caller: one more than the largest.
    pub id: ResponseId,
    /// Fingerprint of the question.
    pub question: FpId,
    /// The document that asked first.
    pub doc: DocId,
    /// Content keys of the units asked about, in order.
    pub units: Vec<Fingerprint>,
    /// Generation of the answers.
    pub generation: Generation,
    /// Attempt, from 1.
    pub attempt: u32,
    /// The model that was asked for.
    pub model: String,
    /// The provider's name for the request.
    pub request_id: Option<String>,
    /// Batch that it came with; none if it came live.
    pub batch: Option<BatchId>,
    /// Estimated tokens.
    pub estimate: Usage,
    /// Cost of these, or the most that was set aside, until it is read; none if the price is not known.
    pub cost: Option<Cost>,
    /// Milliseconds from sending to the last byte.
    pub latency_ms: i64,
    /// The body, compressed by [`super::compress`].
    pub raw: Vec<u8>,
}

/// One change to the store.
#[derive(Debug, Clone)]
pub enum Change {
    /// A file is new or changed.
    File(FileChange),
    /// A known, unchanged file was chosen by a partial run.
    Choose {
        /// The file.
        path: SourcePath,
        /// The run.
        scope: Scope,
    },
    /// A known file is as it was, and more is known of it than an older program kept.
    Identified {
        /// The file.
        path: SourcePath,
        /// Time of the last change of anything about it, and its inode.
        identity: (i64, u64),
    },
    /// A known file is no longer there.
    Gone(SourcePath),
    /// The vocabulary file of a source is no longer where it was written.
    OutputLost(SourcePath),
    /// Output names for the files that have none: the candidates, best first, are a function of the path alone.
    NameOutputs(fn(&SourcePath) -> Vec<String>),
    /// A stage of a document is done.
    Done {
        /// Fingerprint of the stage.
        fp: FpId,
        /// The document.
        doc: DocId,
        /// Attempts it took.
        attempts: u32,
        /// Terms found.
        terms: u64,
        /// Things to know, one a line.
        notes: String,
        /// Part of the document that is missing from it, if any.
        gap: Option<Gap>,
        /// The encoded result.
        artifact: Vec<u8>,
    },
    /// A stage of a document failed.
    Failed {
        /// Fingerprint of the stage.
        fp: FpId,
        /// The document.
        doc: DocId,
        /// Attempts made.
        attempts: u32,
        /// Reason.
        failure: Failure,
    },
    /// Stored results of a document are not as they were stored: their stages wait again.
    Remake {
        /// Fingerprints of the stages.
        fps: Box<StageFps>,
        /// The document.
        doc: DocId,
    },
    /// An answer to a unit; it supersedes older ones and destroys none.
    Answer {
        /// Fingerprint of the question.
        question: FpId,
        /// Content key of the unit.
        unit: Fingerprint,
        /// Generation, see the `answer` table.
        generation: Generation,
        /// The encoded answer.
        answer: Vec<u8>,
        /// Number of the response that it came with.
        response: Option<ResponseId>,
    },
    /// A response came.
    Response(Box<StoredResponse>),
    /// A response was looked into.
    Read {
        /// Its number.
        id: ResponseId,
        /// Outcome, in a word.
        outcome: &'static str,
        /// Tokens, if it told them.
        usage: Option<Usage>,
        /// Cost, if the price is known.
        cost: Option<Cost>,
        /// The model that answered, by its own name.
        answered_by: Option<String>,
    },
    /// A request brought no answer although one may have been made, and billed.
    Lost {
        /// Fingerprint of the question.
        question: FpId,
        /// The document.
        doc: DocId,
        /// The model that was asked for.
        model: String,
        /// Account of what happened.
        message: String,
        /// Tokens at most.
        most: Usage,
        /// Cost at most, if the price is known.
        cost: Option<Cost>,
        /// Batch whose results were not read; none if it was sent live.
        batch: Option<BatchId>,
    },
    /// A request belongs to a batch that is being planned.
    BatchRequest(FpId, Box<BatchRequest>),
    /// A batch is planned: all its requests are in the store, its payload is on the disk.
    BatchPlanned(Box<BatchRow>),
    /// Something became known of a batch.
    Batch(Box<BatchUpdate>),
    /// A request of a batch has its outcome; with a reason if it was not done.
    BatchSettled {
        /// Batch.
        batch: BatchId,
        /// Place in it.
        seq: i64,
        /// Reason for which it was not done.
        undone: Option<String>,
    },
    /// A unit has used this much of its attempt budget.
    UnitTried {
        /// Fingerprint of the question.
        question: FpId,
        /// Content key of the unit.
        unit: Fingerprint,
        /// Of its budget, in all.
        attempts: u32,
        /// True if its output budget is raised from now on.
        raised: bool,
    },
    /// A unit gets no answer.
    UnitFailed {
        /// Fingerprint of the question.
        question: FpId,
        /// Content key of the unit.
        unit: Fingerprint,
        /// Generation.
        generation: Generation,
        /// Attempts made.
        attempts: u32,
        /// Reason.
        failure: Failure,
    },
    /// A vocabulary file is complete as a temporary file: publish it, then remember it.
    Written {
        /// The source.
        path: SourcePath,
        /// Fingerprint of the write stage.
        fp: FpId,
        /// The document.
        doc: DocId,
        /// The file.
        publication: Publication,
        /// First 8 bytes of the SHA-256 of its bytes.
        sha: [u8; 8],
        /// Number of its bytes.
        bytes: u64,
        /// Terms in it.
        terms: u64,
        /// Flagged terms in it.
        flagged: u64,
    },
    /// Writing a vocabulary file failed.
    WriteFailed {
        /// The source.
        path: SourcePath,
        /// Attempts made.
        attempts: u32,
        /// Reason.
        failure: Failure,
    },
}

/// Changes that become durable together, and what may happen once they are.
#[derive(Default)]
pub struct Checkpoint {
    /// Applied in order, in one transaction.
    pub changes: Vec<Change>,
    /// Sent on after the commit.
    pub events: Vec<Event>,
    /// Run after the commit, on the writer's thread: it must not wait for the writer.
    pub after: Option<Box<dyn FnOnce() + Send>>,
}

impl Checkpoint {
    /// A checkpoint that tells events.
    pub fn new(changes: Vec<Change>, events: Vec<Event>) -> Self {
        Self { changes, events, after: None }
    }
}
