//! EPUB 2 and 3.

mod book;
mod container;
mod contents;
mod package;
mod protection;

pub(crate) use book::READER;
