//! The `discover` stage: which files there are, in one fixed order, and what their outputs are called.

mod inputs;
mod listing;
mod output_name;
mod shard;
mod walk;

pub use inputs::{InputError, Inputs};
pub use listing::{Listed, ListedFiles, Listing, ListingError, balance};
pub use output_name::output_names;
pub use shard::Shard;
pub use walk::{Found, Walk, WalkError};
