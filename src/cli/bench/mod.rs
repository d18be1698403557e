//! `corpora bench`: modes measured against each other, on a person's own documents.

mod chart;
mod figures;
mod run;
mod watch;

pub(super) use self::run::run;
