//! PDF: what the pages paint, laid out as a reader sees it.

mod bidi;
mod content;
mod document;
mod fallback;
mod fonts;
mod fragments;
mod furniture;
mod glyphs;
mod headings;
mod layers;
mod lines;
mod order;
mod structure;
mod tex;
mod unicode;

pub(crate) use document::READER;
