//! The keyword in its context: where in a sentence a term stands.

/// UTF-16 code units of a text: what a browser counts in.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Place of a term in its sentence, as units before it and units of it. `offset` is the number of characters between the beginnings of
/// sentence and term in the document's text, `length` those of the term there. White space in the sentence is folded, so the term stands no
/// later in it than in the text: of the places where one of its `forms` stands, the last that is not beyond `offset` counts, or else the first.
/// Without any, what stands at `offset` does if it is a whole word. None if the sentence shows the term nowhere.
pub(super) fn place_in(sentence: &str, offset: usize, length: usize, forms: &[&str]) -> Option<(usize, usize)> {
    let text: Vec<char> = sentence.chars().collect();
    let folded: Vec<char> = text.iter().map(|c| fold(*c)).collect();
    let mut best: Option<(usize, usize)> = None;
    for form in forms {
        let form: Vec<char> = form.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(fold).collect();
        if form.is_empty() || form.len() > text.len() {
            continue;
        }
        for at in 0..=text.len() - form.len() {
            if folded[at..at + form.len()] == form[..] && is_whole(&text, at, at + form.len()) {
                let ending = text[at + form.len()..].iter().take_while(|c| c.is_alphanumeric()).count();
                best = better(best, (at, form.len() + ending), offset);
            }
        }
    }
    let as_told = || {
        let end = offset.checked_add(length)?;
        (length > 0 && end <= text.len() && is_whole(&text, offset, end)).then_some((offset, length))
    };
    let (at, length) = best.or_else(as_told)?;
    let units = |chars: &[char]| chars.iter().map(|c| c.len_utf16()).sum();
    Some((units(&text[..at]), units(&text[at..at + length])))
}

/// The better of two places: the last not beyond `offset`, of these the longest.
fn better(known: Option<(usize, usize)>, new: (usize, usize), offset: usize) -> Option<(usize, usize)> {
    let Some(old) = known else { return Some(new) };
    let key = |(at, length): (usize, usize)| match at <= offset {
        true => (1, at, length),
        false => (0, usize::MAX - at, length),
    };
    Some(if key(new) > key(old) { new } else { old })
}

/// One small letter for one letter: places must not move.
fn fold(c: char) -> char {
    let mut small = c.to_lowercase();
    match (small.next(), small.next()) {
        (Some(one), None) => match one {
            '\u{2019}' => '\'',
            c if c.is_whitespace() => ' ',
            c => c,
        },
        _ => c,
    }
}

/// Test whether no word goes on beyond the ends of a place. An ending of a plural may follow.
fn is_whole(text: &[char], from: usize, to: usize) -> bool {
    let is_open = |at: Option<&char>| at.is_none_or(|c| !c.is_alphanumeric());
    let before = from.checked_sub(1).and_then(|n| text.get(n));
    let rest = &text[to..];
    let letters = rest.iter().take_while(|c| c.is_alphanumeric()).count();
    is_open(before) && (letters == 0 || letters <= 2 && rest[..letters].iter().all(|c| matches!(c, 'e' | 's' | 'n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit<'a>(sentence: &'a str, offset: usize, form: &str) -> Option<&'a str> {
        let (at, length) = place_in(sentence, offset, form.chars().count(), &[form])?;
        let units: Vec<u16> = sentence.encode_utf16().collect();
        let found = String::from_utf16(&units[at..at + length]).unwrap();
        sentence.find(&found).map(|from| &sentence[from..from + found.len()])
    }

    #[test]
    fn a_term_is_found_in_its_sentence_whatever_its_case_and_spacing() {
        assert_eq!(hit("The Orc sees an orc.", 4, "orc"), Some("Orc"));
        assert_eq!(place_in("The Orc sees an orc.", 16, 3, &["orc"]), Some((16, 3)), "the second of two");
        // Two blanks and a line's end were folded to one blank before it.
        assert_eq!(place_in("A b orc and an orc", 6, 3, &["orc"]), Some((4, 3)));
        assert_eq!(hit("It is a dark  elf", 8, "Dark Elf"), None, "two blanks in a row do not stand in sentences");
        assert_eq!(hit("Many dwarves, many orcs", 19, "orc"), Some("orcs"));
        assert_eq!(hit("The force is with it", 4, "orc"), None, "part of another word");
    }

    #[test]
    fn places_are_counted_as_a_browser_counts() {
        assert_eq!(place_in("🐉🐉 the wyrm", 7, 4, &["wyrm"]), Some((9, 4)));
        assert_eq!(units("a🐉ä"), 4);
    }

    #[test]
    fn without_a_form_the_told_place_counts_if_it_is_a_word() {
        assert_eq!(place_in("the mice run", 4, 4, &["mouse"]), Some((4, 4)));
        assert_eq!(place_in("the mice run", 5, 4, &["mouse"]), None);
        assert_eq!(place_in("the mice run", 900, usize::MAX, &["mouse"]), None);
    }
}
