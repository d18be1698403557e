//! The page that shows an output folder: as one file, and served to a browser on this machine.

mod answers;
mod decide;
mod drawing;
mod guard;
mod night;
mod opening;
mod page;
mod picture;
mod report;
mod serve;

pub(super) use self::report::run as run_report;
pub(super) use self::serve::run as run_view;
