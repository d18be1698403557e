//! Layer 4: pipeline files, read into [`crate::stages::pipeline::Pipeline`] values.

mod explain;
mod load;
mod questions;

pub use explain::{explain_place, explain_toml_error, nearest};
pub use load::{DEFAULT, PipelineError, Suited, builtin_names, builtin_text, find, find_for};
