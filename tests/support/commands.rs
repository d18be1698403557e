//! The commands of the program, by its own help.

/// Names of the commands in the help of the program.
pub(crate) fn names(help: &str) -> Vec<String> {
    let groups = help.lines().skip_while(|line| *line != "Make:").take_while(|line| *line != "Options:");
    let word = |line: &str| Some(line.strip_prefix("  ")?.split(' ').next()?.to_owned());
    let names: Vec<String> = groups.filter_map(word).filter(|name| !name.is_empty()).collect();
    assert!(names.len() > 15, "{help}");
    names
}
