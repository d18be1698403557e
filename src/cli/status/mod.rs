//! `corpora status DIR`: how it stands, why it stopped, what it cost, what to type.

mod advice;
mod command;
mod gather;
mod print;
mod state;

pub(super) use command::run;
pub(super) use gather::gather;
