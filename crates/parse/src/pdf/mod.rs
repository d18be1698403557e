//! PDF: what the pages paint, laid out as a reader sees it.

mod annotations;
mod bidi;
mod columns;
mod content;
mod contents;
mod definitions;
mod document;
mod emphasis;
mod encoding;
mod fallback;
mod fonts;
mod formulas;
mod fragments;
mod furniture;
mod glyphs;
mod headings;
mod hidden;
mod hyphens;
mod layers;
mod lines;
mod notes;
mod order;
mod painter;
mod replacement;
mod rules;
mod structure;
mod tables;
mod tex;
mod unicode;
mod words;

pub(crate) use document::READER;
