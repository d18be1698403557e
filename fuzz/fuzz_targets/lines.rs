//! A file of batch results, as each vendor would have written it.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| corpora_fuzz::lines(data));
