//! What a machine may lack: a test that is left out for want of it says so, and fails where everything has to be there.

use std::io::Write;
use std::process::Command;

/// Whether a test can run here. If not, standard error says so, past the harness's capture; with `CORPORA_TESTS_COMPLETE=1`, which
/// `.ci/run` sets, the test fails instead.
pub(crate) fn needs(there: bool, what: &str) -> bool {
    if !there {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let complete = std::env::var_os("CORPORA_TESTS_COMPLETE").is_some_and(|v| v == "1");
        assert!(!complete, "{test} needs {what}; CORPORA_TESTS_COMPLETE=0 leaves it out");
        let _ = writeln!(std::io::stderr(), "left out: {test} needs {what}");
    }
    there
}

/// Whether a program is there, and can be started with this argument.
pub(crate) fn needs_program(program: &str, argument: &str, package: &str) -> bool {
    let there = Command::new(program).arg(argument).output().is_ok_and(|o| o.status.success());
    needs(there, &format!("the program {program} (apt-get install {package})"))
}
