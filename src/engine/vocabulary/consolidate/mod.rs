//! Making the master vocabulary of an output folder: looking through its vocabulary files, then merging their terms.

mod documents;
mod look;
mod merging;
mod outcome;
mod run;
mod variants;

pub(in crate::engine) use self::look::each_vocabulary_file;
pub(super) use self::outcome::io;
pub use self::outcome::{ConsolidateConfig, ConsolidateError, ConsolidateStep, Consolidated};
pub use self::run::consolidate;
