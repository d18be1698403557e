//! Pictures of pages: the file that a page came from, drawn by a confined worker, with the places of a term.

use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::{Value, json};

use super::page::base64;
use crate::cli::args::{Cli, Command};
use crate::engine::{PageToDraw, RunRecord, input_place, picture_of_page};
use crate::stages::discover::Inputs;
use crate::stages::parse::ParseSettings;

/// Picture of a page as the browser shows it: PNG as base64, its size, and what is marked in pixels.
///
/// # Errors
/// With words for a person.
pub(super) fn drawing(folder: &Path, page: u32, wanted: PageToDraw) -> Result<Value, String> {
    let file = roots(folder).into_iter().map(|root| input_place(&root, &wanted.path)).find(|file| file.is_file());
    let file = file.ok_or_else(|| format!("the file of '{}' is not where it was", wanted.path))?;
    let program = std::env::current_exe().map_err(|e| format!("this program's own file cannot be found: {e}"))?;
    let (settings, content) = (ParseSettings::default(), wanted.content);
    let picture = picture_of_page(&program, &settings, (&file, content), page, wanted.words)?;
    // The words of a scan lie in its picture: the blocks that were recognised are marked.
    let (marks, are_words) = match picture.places.is_empty() {
        true => (wanted.blocks, false),
        false => (picture.places, true),
    };
    let marks: Vec<[f32; 4]> = marks.into_iter().map(|mark| mark.map(|length| length * picture.scale)).collect();
    let (width, height) = picture.size;
    Ok(json!({
        "png": base64(&picture.png), "width": width, "height": height, "marks": marks, "are_words": are_words,
    }))
}

/// Folders in which inputs may lie: those of the newest run, by the command that was typed, and the output folder itself.
fn roots(folder: &Path) -> Vec<PathBuf> {
    let command = RunRecord::read(folder).ok().flatten().and_then(|record| record.command);
    let typed = command.and_then(|command| {
        let line = std::iter::once("corpora").chain(command.words.iter().map(String::as_str));
        let Command::Batch(args) = Cli::try_parse_from(line).ok()?.command else { return None };
        Some(Inputs::resolve(&folder.join(&command.folder), &args.inputs).ok()?.root)
    });
    typed.into_iter().chain([folder.to_path_buf()]).collect()
}
