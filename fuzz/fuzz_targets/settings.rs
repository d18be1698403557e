//! A settings file, as `corpora.toml`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| corpora_fuzz::settings(data));
