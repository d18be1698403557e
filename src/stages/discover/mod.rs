//! The `discover` stage: which files there are, in one fixed order, and what their outputs are called.

mod inputs;
mod output_name;
mod walk;

pub use inputs::{InputError, Inputs};
pub use output_name::output_names;
pub use walk::{Found, Walk, WalkError};
