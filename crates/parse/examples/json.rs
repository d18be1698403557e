//! Prints a document as JSON: `cargo run -p corpora-parse --example json -- FILE`.

use corpora_parse::{ParseSettings, parse};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().next_back().ok_or("give a file")?;
    let document = parse(std::fs::read(&file)?, &ParseSettings::default(), &mut |_, _| {})
        .map_err(|failure| format!("{}: {}", file.to_string_lossy(), failure.message))?;
    serde_json::to_writer(std::io::stdout().lock(), &document)?;
    Ok(())
}
