//! One integration binary: drives the real program on real files.

#![allow(clippy::unwrap_used, clippy::format_push_string, reason = "a test that cannot go on says so by panicking")]

mod bad_input;
mod batches;
mod bench;
mod blocklist;
mod byte_ledger;
mod certified;
mod cheaper;
mod consolidate;
mod crash;
mod doctor;
mod export;
mod formats;
mod isolation;
mod keys;
mod kinds;
mod layers;
mod layout;
mod ledger;
mod library;
mod licences;
mod live;
mod machine;
mod marks;
mod mutants;
mod ocr;
mod output;
mod peers;
mod pipes;
mod proof;
mod providers;
mod readings;
mod requests;
mod resume;
mod review;
mod samples;
mod screens;
mod settings;
mod settle;
mod shards;
mod store;
mod strange_bytes;
mod support;
mod torture;
mod trust;
