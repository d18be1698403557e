//! `corpora review DIR`: decisions on terms, one after the other or by options.

mod at_once;
mod command;
mod deck;
mod keys;
mod print;

pub(super) use command::run;
