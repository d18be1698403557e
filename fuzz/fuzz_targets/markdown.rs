//! Markdown: a beginning that nothing else has, then the input.

#![no_main]

libfuzzer_sys::fuzz_target!(init: corpora_fuzz::only_what_escapes(), |data: &[u8]| corpora_fuzz::read(&[b"# A\n\n* b\n\n[c](d)\n\n", data].concat()));
