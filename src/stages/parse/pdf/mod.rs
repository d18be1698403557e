//! PDF: what the pages paint, laid out as a reader sees it.

mod bidi;
mod document;
mod fallback;
mod fragments;
mod furniture;
mod glyphs;
mod headings;
mod lines;
mod order;
mod structure;
mod tex;
mod unicode;
mod weight;

pub(super) use document::parse;
