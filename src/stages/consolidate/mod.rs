//! Computing the master vocabulary: reading vocabulary files, merging what they say of a term, decisions of people.

mod decisions;
mod folded;
mod merge;
mod read;
mod variants;

pub use decisions::{
    Decision, Decisions, DecisionsError, Destination, Fate, Ruling, Standing, carried, check_queue, cleared, waiting,
};
pub use folded::{fold, folded};
pub use merge::{Given, Merging, PLACES_OF_A_DOCUMENT, VERSION, has_statistics};
pub use read::{Unusable, each_master_entry, read_vocabulary};
pub use variants::variant_keys;
