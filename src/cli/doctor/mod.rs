//! `corpora doctor [DIR]`: tries what a run needs, one thing after another, and goes on where something is wrong; with `--tune`, finds
//! the settings that suit a server.

mod advice;
mod command;
mod finding;
mod machine;
mod material;
mod provider;
mod trial;
mod tune;

pub(super) use command::run;
pub(super) use machine::recogniser;
