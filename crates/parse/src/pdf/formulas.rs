//! Formulas that stand alone: signs of mathematics between letters that are no words.

/// Signs of which a formula has one at least.
const RELATIONS: [char; 19] = [
    '=', '\u{2260}', '\u{2261}', '\u{2248}', '\u{2264}', '\u{2265}', '\u{2208}', '\u{2282}', '\u{2286}', '\u{2211}',
    '\u{220f}', '\u{222b}', '\u{221a}', '\u{2192}', '\u{21d2}', '\u{21d4}', '\u{221e}', '\u{2202}', '\u{223c}',
];

/// Names of functions, which are written out.
const FUNCTIONS: [&str; 22] = [
    "sin", "cos", "tan", "cot", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "log", "exp", "min", "max",
    "lim", "sup", "inf", "det", "dim", "ker", "mod", "gcd",
];

/// Longer texts have something to say.
const LONGEST: usize = 200;

fn is_relation(c: char) -> bool {
    c == '=' || (c >= '\u{2190}' && RELATIONS.contains(&c))
}

/// Test whether a text is a formula and nothing else.
pub(super) fn is_formula(text: &str) -> bool {
    if text.len() > LONGEST || !text.contains(is_relation) {
        return false;
    }
    let words = text.split(|c: char| !c.is_alphabetic());
    let is_word = |word: &str| word.chars().count() >= 3 && !FUNCTIONS.contains(&word);
    let signs = text.chars().filter(|c| !c.is_whitespace()).count();
    signs >= 3 && text.contains(char::is_alphanumeric) && !words.into_iter().any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_has_a_relation_and_no_words() {
        for text in ["a\u{b2} + b\u{b2} = c\u{b2} (1)", "f(x) = sin x + log n", "\u{2211} i \u{2264} n"] {
            assert!(is_formula(text), "{text}");
        }
        for text in ["speed = 3", "n + 1", "If x = y then stop.", "= ="] {
            assert!(!is_formula(text), "{text}");
        }
    }
}
