//! Identity of a rerun that was asked for.

use std::os::unix::ffi::OsStrExt;

use super::config::{Rerun, RunConfig};
use super::context::Run;
use crate::values::KeyWriter;

/// The identity of a rerun: the same command after a crash asks for the same one, and continues it.
pub(super) fn request(run: &Run<'_>, config: &RunConfig, rerun: &Rerun) -> String {
    let Rerun { stage, force } = rerun;
    let places = config.inputs.places.iter().map(|place| place.as_os_str().as_bytes());
    let places = places.fold(KeyWriter::new("rerun"), KeyWriter::bytes);
    let key = places
        .number(config.inputs.places.len() as u64)
        .text(stage.name())
        .number(u64::from(*force))
        .text(config.until.name())
        .number(config.limit.map_or(0, |limit| limit + 1));
    run.fps.iter().fold(key, |key, (_, fp)| key.number(fp.0.cast_unsigned())).finish().hex()
}

/// The identity of a rerun as programs before store keys of reruns wrote it: one that such a program began is continued too, because
/// beginning it anew would pay for its answers again.
pub(super) fn request_in_words(run: &Run<'_>, config: &RunConfig, rerun: &Rerun) -> String {
    let fps: Vec<String> = run.fps.iter().map(|(stage, fp)| format!("{}: FpId({})", stage.name(), fp.0)).collect();
    format!(
        "{}{} until {} in {:?} limit {:?} of StageFps {{ {} }}",
        if rerun.force { "force " } else { "" },
        rerun.stage.name(),
        config.until.name(),
        config.inputs.places,
        config.limit,
        fps.join(", "),
    )
}
