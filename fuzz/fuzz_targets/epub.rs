//! An EPUB, as an archive or as the entries of one.

#![no_main]

libfuzzer_sys::fuzz_target!(init: corpora_fuzz::only_what_escapes(), |data: &[u8]| corpora_fuzz::read(&corpora_fuzz::archive(data)));
