//! DOCX.

mod body;
mod document;
mod styles;

pub(crate) use document::READER;
