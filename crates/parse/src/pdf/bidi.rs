//! Right-to-left text: the page shows it in visual order, a reader's text is in logical order.

/// Test whether a character is of a script that is written from right to left (Hebrew, Arabic, Syriac, Thaana, N'Ko and
/// their presentation forms).
pub(super) fn is_rtl(c: char) -> bool {
    c >= '\u{590}'
        && matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        && !is_rtl_digit(c)
}

/// Arabic digits run from left to right.
fn is_rtl_digit(c: char) -> bool {
    matches!(c, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Left,
    Right,
    Neutral,
}

fn direction(c: char) -> Direction {
    if is_rtl(c) {
        Direction::Right
    } else if c.is_alphanumeric() || is_rtl_digit(c) {
        Direction::Left
    } else {
        Direction::Neutral
    }
}

/// A line that was read from left to right, as it is to be read: the runs in order of the line's main direction, each in
/// its own (the reverse of UAX #9, rules L2 and N1).
pub(super) fn logical(visual: &str) -> String {
    let chars: Vec<char> = visual.chars().collect();
    let mut directions: Vec<Direction> = chars.iter().map(|&c| direction(c)).collect();
    let right = directions.iter().filter(|&&d| d == Direction::Right).count();
    let letters = chars.iter().filter(|&&c| c.is_alphabetic() && !is_rtl(c)).count();
    let base = if right >= letters { Direction::Right } else { Direction::Left };
    resolve_neutrals(&mut directions, &chars, base);
    let mut runs: Vec<(Direction, String)> = Vec::new();
    for (c, d) in chars.into_iter().zip(directions) {
        match runs.last_mut() {
            Some((same, run)) if *same == d => run.push(c),
            _ => runs.push((d, c.to_string())),
        }
    }
    if base == Direction::Right {
        runs.reverse();
    }
    let read = |mirror: bool| -> String {
        let turned =
            runs.iter().map(|(d, run)| if *d == Direction::Right { reversed(run, mirror) } else { run.clone() });
        turned.collect()
    };
    // Some files name the shape of a bracket that the page shows, some the bracket that is meant.
    let mirrored = read(true);
    if is_balanced(&mirrored) {
        return mirrored;
    }
    let plain = read(false);
    if is_balanced(&plain) { plain } else { mirrored }
}

/// Test whether no bracket closes that was not opened.
fn is_balanced(text: &str) -> bool {
    let mut open = 0_i32;
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
        if open < 0 {
            return false;
        }
    }
    true
}

/// Gives what is neither the direction of both its neighbours if they agree, else the line's.
fn resolve_neutrals(directions: &mut [Direction], chars: &[char], base: Direction) {
    let mut from = 0;
    while from < directions.len() {
        if directions[from] != Direction::Neutral {
            from += 1;
            continue;
        }
        let to =
            directions[from..].iter().position(|&d| d != Direction::Neutral).map_or(directions.len(), |n| from + n);
        let before = if from == 0 { base } else { directions[from - 1] };
        let after = directions.get(to).copied().unwrap_or(base);
        // A mark inside a number belongs to it: 3.5, 12/4.
        let in_number =
            to == from + 1 && !chars[from].is_whitespace() && before == Direction::Left && after == Direction::Left;
        let resolved = if before == after || in_number { before } else { base };
        directions[from..to].fill(resolved);
        from = to;
    }
}

/// Characters in reverse, each with the marks that it carries.
fn reversed(run: &str, mirror: bool) -> String {
    use unicode_normalization::char::is_combining_mark;
    let mut out = String::with_capacity(run.len());
    let mut marks = Vec::new();
    for c in run.chars().rev() {
        if is_combining_mark(c) {
            marks.push(c);
            continue;
        }
        out.push(if mirror { mirrored(c) } else { c });
        out.extend(marks.drain(..).rev());
    }
    out.extend(marks);
    out
}

fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '\u{ab}' => '\u{bb}',
        '\u{bb}' => '\u{ab}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hebrew_comes_out_as_it_is_read_with_numbers_and_latin_words_whole() {
        assert_eq!(logical("?םלוכ םולש"), "שלום כולם?");
        assert_eq!(logical("15 ףיעס"), "סעיף 15");
        assert_eq!(logical("3.5 םוי"), "יום 3.5");
        assert_eq!(logical("םולש Rust תפש"), "שפת Rust שלום");
        assert_eq!(logical("the word םולש means peace"), "the word שלום means peace");
        assert_eq!(logical("(ב) ףיעס"), "סעיף (ב)");
        assert_eq!(logical(")ב( ףיעס"), "סעיף (ב)", "a file that names brackets as they are meant");
    }

    #[test]
    fn marks_stay_with_their_letters() {
        assert_eq!(logical("ם\u{5b8}ש"), "שם\u{5b8}");
    }
}
