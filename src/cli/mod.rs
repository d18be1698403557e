//! The edge: the command line, the terminal, the environment, signals. One file per command.

mod args;
mod audit;
mod batch;
mod batches;
mod bench;
mod bench_args;
mod cancel;
mod completions;
mod config;
mod consolidate;
mod cost;
mod dispatch;
mod doctor;
mod exit;
mod export;
mod extract;
mod folder;
mod gc;
mod log;
mod man;
mod markdown;
mod one_document;
mod open_batches;
mod output;
mod parse;
mod pipelines;
mod progress;
mod review;
mod saved;
mod show;
mod signals;
mod simulate;
mod status;
mod vocabulary_args;
mod wait;

pub use dispatch::run;
