//! A stored result, as it stands in the store and as what it holds.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| corpora_fuzz::stored(data));
