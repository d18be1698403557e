//! A pipeline file.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| corpora_fuzz::pipeline(data));
