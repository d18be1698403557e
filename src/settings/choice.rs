//! Choices of the core as options: the words come from the type itself.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::values::Choice;

/// Parser of an option that takes the words of `T`, with a line about each in the help text.
pub(super) fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let words = T::WORDS.iter().map(|(_, word, about)| PossibleValue::new(*word).help(*about));
    PossibleValuesParser::new(words).map(|word| T::of_word(&word).expect("only its own words come through"))
}
