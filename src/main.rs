//! The `corpora` program: hands the command line to [`corpora::cli::run`].

use std::process::ExitCode;

fn main() -> ExitCode {
    corpora::cli::run()
}
