//! Words for people.

/// A number with the word for what it counts: `1 request`, `2 requests`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Words as a sentence lists them: `a`, `a and b`, `a, b and c`, with the word given before the last.
pub fn listed<S: AsRef<str>>(words: &[S], before_last: &str) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match &words[..] {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} {before_last} {last}", first.join(", ")),
    }
}

/// A number in small Roman digits, as pages and chapters are counted; in plain ones from 10,001 on, where the length would grow with the number.
pub fn roman(number: usize) -> String {
    const DIGITS: [(usize, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if number > 10_000 {
        return number.to_string();
    }
    let (mut rest, mut out) = (number, String::new());
    for (value, digits) in DIGITS {
        while rest >= value {
            out.push_str(digits);
            rest -= value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_joined_by_a_word_and_the_others_by_commas() {
        assert_eq!(listed::<&str>(&[], "and"), "");
        assert_eq!(listed(&["a"], "and"), "a");
        assert_eq!(listed(&["a", "b"], "or"), "a or b");
        assert_eq!(listed(&["a", "b", "c"], "and"), "a, b and c");
    }
    #[test]
    fn numbers_are_written_in_roman_digits() {
        let written = [0, 1, 4, 9, 14, 40, 90, 400, 1888, 1994].map(roman);
        assert_eq!(written, ["", "i", "iv", "ix", "xiv", "xl", "xc", "cd", "mdccclxxxviii", "mcmxciv"]);
        assert_eq!(roman(10_001), "10001");
    }
}
