//! Parsing in worker processes: a file that hangs, overflows the stack or eats memory kills its worker and
//! nothing else.
//!
//! The worker is this same program, started as `corpora parse-worker` and reused for many documents. What passes
//! between the two is in `frame`, the engine's side in `process`, the worker's in `serve`.

mod confine;
mod frame;
mod limits;
mod parsed;
mod process;
mod program;
mod question;
mod serve;

pub use self::confine::{Confinement, Strength};
pub use self::limits::{CLOCK_FACTOR, ParseLimits};
pub(super) use self::parsed::{FoundTerms, Parsed, Position};
pub(super) use self::process::ParseWorker;
pub use self::process::{confinement, picture_of_page};
pub(super) use self::program::ParseProgram;
pub use self::serve::serve;
