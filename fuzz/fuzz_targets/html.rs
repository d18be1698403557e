//! HTML, whatever its head looks like.

#![no_main]

libfuzzer_sys::fuzz_target!(init: corpora_fuzz::only_what_escapes(), |data: &[u8]| corpora_fuzz::read(&[b"<!DOCTYPE html>", data].concat()));
