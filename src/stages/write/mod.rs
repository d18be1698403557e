//! The `write` stage: renders what was extracted as a vocabulary file.

mod blocklist;
mod offsets;
mod render;

pub use blocklist::{BUILTIN_BLOCKLIST, Blocklist, BlocklistError};
pub use render::{Origin, VERSION, render};
