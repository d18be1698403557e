//! A PDF, from its bytes to its text: the file, its fonts, the layout of its pages.

#![no_main]

libfuzzer_sys::fuzz_target!(init: corpora_fuzz::only_what_escapes(), |data: &[u8]| corpora_fuzz::read(data));
