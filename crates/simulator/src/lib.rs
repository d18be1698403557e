//! Layer 2: a provider that costs nothing. A real HTTP server with the interfaces of Anthropic, OpenAI and Gemini, their limits,
//! headers and errors, faults by rate and by script, and a journal that proves who asked what how often.
//!
//! Every random choice is a function of the seed, the request and how often it came, so that a run can be repeated.

mod admission;
mod apply_fault;
mod batches;
mod chance;
mod config;
mod content;
mod exchange;
mod faults;
mod interfaces;
mod journal;
mod named;
mod oracle;
#[cfg(test)]
mod refused;
mod reply;
mod server;
mod state;
mod streaming;
mod tokens;

pub use batches::{BatchConfig, BatchCounters, BatchFault};
pub use config::{Latency, Limits, Scripted, SimulatorConfig};
pub use faults::Fault;
pub use journal::{Counters, JournalEntry, PaidAsk};
pub use oracle::Oracle;
pub use server::Simulator;
