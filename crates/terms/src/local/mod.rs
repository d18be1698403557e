//! The embedded provider: needs no key and no network, and never invents.

mod candidates;
mod closed_words;
mod declared;
mod definitions;
mod inflection;
mod judge;
mod language;
mod names;
mod pairs;
mod parts;
mod rank;
mod said;
mod scripts;
mod settings;
mod spelling;
mod terms;
#[cfg(test)]
mod tests;
mod tokenize;
mod uses;
mod word_sets;

pub use definitions::{Definition, definitions};
pub use judge::{NoTerm, defines, no_term, stands_in};
pub use language::unknown_language;
pub use settings::{TermSettings, Wanted};
pub use terms::{VERSION, canonical_form, glossary, key_form, singular_form, terms};
