//! Computing the master vocabulary: reading vocabulary files, merging what they say of a term, decisions on flagged terms.

mod decisions;
mod merge;
mod read;
mod variants;

pub use decisions::{Decisions, Ruling, check_queue, read_queue};
pub use merge::{Merging, PLACES_OF_A_DOCUMENT, VERSION, has_statistics};
pub use read::{Unusable, each_master_entry, read_vocabulary};
pub use variants::variant_keys;
