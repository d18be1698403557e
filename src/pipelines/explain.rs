//! Says what is wrong in a TOML file so that a person finds the place.

/// A message with the line, the column, the line itself and, for a wrong key, the nearest right one.
pub fn explain_toml_error(file: &str, text: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim();
    let hint = nearest_in(message).map(|key| format!("; did you mean '{key}'?")).unwrap_or_default();
    match error.span() {
        Some(span) => explain_place(file, text, span.start, &format!("{message}{hint}")),
        None => format!("{file}: {message}{hint}"),
    }
}

/// A message with line, column and the line itself of a place in a file, counted in bytes.
pub fn explain_place(file: &str, text: &str, start: usize, message: &str) -> String {
    let start = text.floor_char_boundary(start.min(text.len()));
    let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let number = text[..line_start].matches('\n').count() + 1;
    let column = text[line_start..start].chars().count() + 1;
    format!("{file}, line {number}, column {column}: {message}\n    {line}")
}

/// The known key nearest to an unknown one, from serde's message: "unknown field `x`, expected one of `a`, `b`".
fn nearest_in(message: &str) -> Option<&str> {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = names.split_first()?;
    if !message.starts_with("unknown") {
        return None;
    }
    nearest(unknown, known.iter().copied())
}

/// The candidate that looks most like `wanted`, if any does.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|&(distance, name)| distance <= 1 + name.len() / 3)
        .min()
        .map(|(_, name)| name)
}
