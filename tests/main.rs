//! One integration binary: drives the real program on real files.

mod bad_input;
mod crash;
mod layers;
mod output;
mod resume;
mod samples;
mod store;
mod support;
