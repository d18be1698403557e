//! Layer 3: runs the stages over a store, in either mode, and can be stopped at any instant.

mod alone;
mod cancel;
mod discover;
mod documents;
mod drive;
mod error_log;
mod keys;
mod live;
mod manifest;
mod per_document;
mod plan;
mod run;
mod staged;
mod tally;
mod worker;

pub use cancel::Cancel;
pub use error_log::ERROR_LOG;
pub use keys::StageKeys;
pub use live::{Reading, Remote, read as read_response};
pub use manifest::MANIFEST;
pub use plan::{ExtractPlan, Plan, RemotePlan, StagePlan};
pub use run::{Finished, Rerun, RunConfig, RunError, run};
pub use worker::{ParseLimits, serve as serve_parse_worker};
