//! `corpora pipelines`.

use std::io::Write;

use super::args::PipelinesArgs;
use super::exit::{CommandError, Exit};
use super::screen;
use crate::pipelines::{builtin_names, builtin_text, find};

/// Lists the built-in pipelines, or prints one of them.
pub(super) fn run(args: &PipelinesArgs) -> Result<Exit, CommandError> {
    let mut out = screen::data();
    match &args.name {
        Some(name) => match builtin_text(name) {
            Some(text) => out.write_all(text.as_bytes())?,
            None => {
                let known = find(name).map(|p| format!("'{name}' is a file of its own ({})", p.description));
                return Err(CommandError::bad_input(known.unwrap_or_else(|e| e.to_string())));
            }
        },
        None if args.json => {
            let all: Result<Vec<_>, _> = builtin_names()
                .map(|name| {
                    find(name).map(|p| serde_json::json!({"name": name, "description": p.description, "provider": p.provider.name}))
                })
                .collect();
            screen::print_json(&all.map_err(CommandError::bad_input)?)?;
        }
        None => {
            for name in builtin_names() {
                let pipeline = find(name).map_err(CommandError::bad_input)?;
                writeln!(out, "{name:<12} {}", pipeline.description)?;
            }
        }
    }
    Ok(Exit::Done)
}
