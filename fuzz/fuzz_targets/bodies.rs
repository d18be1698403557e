//! A body of a provider, as each vendor would have sent it: an answer, an error, an event of a stream, a batch.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| corpora_fuzz::bodies(data));
