//! Batch endpoints: files, batches that take their time, results in no order.

mod config;
mod creation;
mod distort;
mod endpoint;
mod files;
mod kept;
mod paid;
mod results;
mod signed;

pub use config::{BatchConfig, BatchFault};
pub(crate) use endpoint::{BatchCall, answer, is_batch_path};
pub use kept::BatchCounters;
pub(crate) use kept::Batches;
pub(crate) use signed::answer_elsewhere;
