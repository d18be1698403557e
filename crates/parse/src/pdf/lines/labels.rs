//! Words at the beginnings and ends of lines that tell what the lines are: marks of lists, numbers of sections and of pages.

/// Test whether a text begins with the mark of a list's item and goes on after it.
pub(super) fn begins_list_item(text: &str) -> bool {
    text.split_once([' ', '\t']).is_some_and(|(label, rest)| !rest.trim().is_empty() && is_list_label(label))
}

/// Test whether a line ends in numbers behind a comma, as the entries of an index do.
pub(super) fn leads_to_pages(text: &str) -> bool {
    let (title, number) = text.trim().rsplit_once(',').unwrap_or_default();
    let number = number.trim_start();
    (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) && !title.is_empty()
}

/// Test whether a text begins with the number of a section and goes on after it.
pub(super) fn begins_with_number(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(number, _)| {
        number.starts_with(|c: char| c.is_ascii_digit()) && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

/// Test whether a text begins as numbered titles do: `4.2 The gate`, `Appendix B Of salt`.
pub(super) fn begins_with_label(text: &str) -> bool {
    let mut words = text.split(' ');
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_letter = second.len() == 1 && second.bytes().all(|b| b.is_ascii_uppercase()) && second != "I";
    let is_number = !second.is_empty() && second.bytes().all(|b| b.is_ascii_digit());
    let is_name = first.starts_with(char::is_uppercase) && first.chars().all(char::is_alphabetic);
    begins_with_number(text) || (is_name && (is_letter || is_number) && words.next().is_some())
}

/// Bullets; numbers, single letters and small Roman numbers with a full stop or in brackets.
pub(super) fn is_list_label(label: &str) -> bool {
    let mut chars = label.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return "\u{2022}\u{25e6}\u{25aa}\u{25ab}\u{2023}\u{2043}\u{25cf}\u{25cb}\u{25a0}\u{25a1}\u{25ba}\u{27a2}\u{2713}\u{2714}\u{b7}\u{2013}\u{2212}\u{f0b7}*-".contains(c);
    }
    let core = label.strip_prefix('(').unwrap_or(label);
    let Some(core) = core.strip_suffix(['.', ')']) else {
        return false;
    };
    let number = core.len() <= 3 && core.bytes().all(|b| b.is_ascii_digit());
    let letter = core.len() == 1 && core.bytes().all(|b| b.is_ascii_lowercase());
    let roman = core.len() <= 4 && core.bytes().all(|b| matches!(b, b'i' | b'v' | b'x'));
    !core.is_empty() && (number || letter || roman)
}
