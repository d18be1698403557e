//! Layer 3: runs the stages over a store, in either mode, and can be stopped at any instant.

mod alone;
mod batch;
mod cancel;
mod consolidate;
mod contexts;
mod discover;
mod documents;
mod drive;
mod error_log;
mod export;
mod failpoint;
mod keys;
mod live;
mod manifest;
mod orphans;
mod per_document;
mod plan;
mod run;
mod staged;
mod tally;
mod worker;

pub use batch::{BatchOptions, expiry_warning, expiry_warnings};
pub use cancel::Cancel;
pub use consolidate::{
    ConsolidateConfig, ConsolidateError, ConsolidateStep, Consolidated, ReviewLock, consolidate, queue as review_queue,
    write_queue,
};
pub use error_log::ERROR_LOG;
pub use export::{EXPORT_COLUMNS, ExportError, ExportSource, ExportTable};
#[cfg(feature = "failpoints")]
pub use failpoint::crash_at;
pub use keys::StageKeys;
pub use live::{EndpointKind, Reading, Remote, read as read_response};
pub use manifest::MANIFEST;
pub use orphans::{Orphan, OrphanState, orphans, remove_orphans};
pub use plan::{ExtractPlan, Plan, RemotePlan, StagePlan};
pub use run::{Finished, Rerun, RunConfig, RunError, run};
pub use worker::{CLOCK_FACTOR, ParseLimits, serve as serve_parse_worker};

/// Units in one request of a pipeline.
fn per_request(pipeline: &crate::stages::pipeline::Pipeline) -> usize {
    match pipeline.method {
        crate::stages::pipeline::Method::Passages(_) => 1,
        crate::stages::pipeline::Method::Terms(_) => pipeline.provider.terms_per_request,
    }
}
