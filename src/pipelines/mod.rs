//! Layer 4: pipeline files, read into [`Pipeline`] values.

mod explain;
mod load;

pub use explain::{explain_toml_error, nearest};
pub use load::{PipelineError, builtin_names, builtin_text, find};
