//! Talk of engine and worker: frames on the worker's standard input and output, each a little-endian 32-bit
//! length and that many bytes.
//!
//! First come the orders, then requests; after [`Request::Parse`] and [`Request::Draw`] the document's bytes follow, so that a worker opens no file itself, and
//! after [`Request::Terms`] and [`Request::Chunks`] the parsed document in a frame of its own. To each request there are any number of [`Reply::Progress`] and one other reply; after one that is no failure the artifact follows in a frame of its own.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::confine::Confinement;
use super::limits::ParseLimits;
use crate::stages::chunk::ChunkSettings;
use crate::stages::parse::{OcrSettings, ParseSettings};
use crate::stages::pipeline::Method;
use crate::values::{Failure, Fingerprint, Gap, SectionKind};

/// Orders that a worker gets once. Passwords go this way because arguments and environment of a process can be seen by others.
#[derive(Serialize, Deserialize)]
pub(super) struct Orders {
    passwords: Vec<String>,
    ocr: OcrSettings,
    /// Processor time for one document.
    pub(super) time: Duration,
}

impl Orders {
    /// The orders as a frame.
    pub(super) fn to_bytes(settings: &ParseSettings, limits: &ParseLimits) -> std::io::Result<Vec<u8>> {
        let ocr = OcrSettings { page_time: limits.ocr_page_time(), ..settings.ocr.clone() };
        let orders = Self { passwords: settings.passwords.clone(), ocr, time: limits.time };
        Ok(serde_json::to_vec(&orders)?)
    }

    /// Settings of parsing.
    pub(super) fn settings(self) -> ParseSettings {
        ParseSettings { passwords: self.passwords, ocr: self.ocr, ..ParseSettings::default() }
    }
}

/// Request to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Parse a document.
    Parse(ParseRequest),
    /// Find the items of the parsed document that follows, as the embedded provider does.
    Terms(Method),
    /// Cut the parsed document that follows into chunks.
    Chunks(ChunkSettings),
    /// Draw a page of a document for people.
    Draw(DrawRequest),
}

/// A page to draw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DrawRequest {
    /// Hash of the document's content.
    pub(super) sha: Fingerprint,
    /// Number of its bytes.
    pub(super) length: u64,
    /// Number of the page, from 1.
    pub(super) page: u32,
    /// Words whose places are told.
    pub(super) words: Vec<String>,
}

/// A document to parse.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ParseRequest {
    /// Hash of its content.
    pub(super) sha: Fingerprint,
    /// Number of its bytes.
    pub(super) length: u64,
    /// True if each section is told before it is read, and not only some now and then.
    pub(super) exact: bool,
    /// Pages that are recognised at the same time.
    pub(super) at_once: usize,
    /// Sections that are not read, and why.
    pub(super) left_out: BTreeMap<u32, String>,
}

/// Reply of a worker to a request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// The worker is there, within its limits: what ends it from now on is a document's doing. It comes once, before any request.
    Ready(Confinement),
    /// So far.
    Progress {
        section: SectionKind,
        done: u32,
        total: u32,
        /// Pages that went to optical character recognition.
        ocr_pages: u32,
    },
    /// It is done; the artifact follows.
    Parsed { notes: Vec<String>, gap: Option<Gap> },
    /// The terms are found; the artifact follows.
    Found { terms: u64, notes: Vec<String> },
    /// It is cut; the artifact follows.
    Cut,
    /// It is drawn; a PNG file follows. The places are those of [`PagePicture`](crate::stages::parse::PagePicture).
    Drawn { size: (u32, u32), scale: f32, places: Vec<[f32; 4]> },
    /// It cannot be done.
    Failed(Failure),
}

pub(super) fn write_frame(to: &mut impl Write, frame: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| std::io::Error::from(std::io::ErrorKind::FileTooLarge))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(frame)?;
    to.flush()
}
