//! corpora turns a folder of PDF and EPUB files into vocabulary JSON, in durable stages.
//!
//! To use it from a program of your own, begin with [`engine::RunConfig::new`]; `examples/library.rs` is a whole one.
//!
//! The library is layered (see `ARCHITECTURE.md`): [`values`] knows nothing but data, [`stages`] and
//! [`store`] compute and keep, [`remote`] asks providers, [`engine`] runs stages over a store, [`pipelines`] is the edge, with the
//! program's settings and command line.
//! Nothing below the edge prints, reads the environment or exits. [`values`], [`stages::parse`], [`stages::chunk`],
//! [`stages::extract::local`] and [`simulator`] are crates of their own, named here as rooms of this one.

#[doc(hidden)]
pub mod cli;
pub mod engine;
pub mod pipelines;
pub mod remote;
mod settings;
pub mod stages;
pub mod store;

pub use corpora_simulator as simulator;
pub use corpora_values as values;
