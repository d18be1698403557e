//! Limits of a parse worker.

use std::time::Duration;

use crate::engine::defaults;

/// Limits of a parse worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseLimits {
    /// Processor time for one document. By the clock it may take [`CLOCK_FACTOR`] times as long, so that healthy files
    /// do not fail on a busy machine. Each page that goes to optical character recognition adds
    /// [`ocr_page_time`](Self::ocr_page_time) to the one and as many times that to the other.
    pub time: Duration,
    /// Address space that parsing may take, in bytes, beside what the worker itself needs.
    pub memory: u64,
}

/// Factor by which a document may take longer by the clock than its processor time.
pub const CLOCK_FACTOR: u32 = 4;

/// Most processor time for the recognition of one page; a page of dense print takes about 5 s.
const OCR_PAGE_TIME: Duration = Duration::from_secs(60);

impl ParseLimits {
    /// Processor time for the recognition of one page; by the clock it may take [`CLOCK_FACTOR`] times as long.
    pub fn ocr_page_time(&self) -> Duration {
        self.time.min(OCR_PAGE_TIME)
    }
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self { time: defaults::PARSE_TIME, memory: defaults::PARSE_MEMORY }
    }
}
