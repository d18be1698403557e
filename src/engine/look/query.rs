//! A question about the list of terms, and the SQL that it means. Pure.

use rusqlite::types::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A facet: a property of terms by which they are chosen and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// Category.
    Category,
    /// Kind of the thing.
    Kind,
    /// Mood.
    Mood,
    /// Intent.
    Intent,
    /// Energy.
    Energy,
    /// IP flag.
    Flag,
    /// Number of a book that has it.
    Book,
    /// Other properties: `defined`, `shared`, `conflict`, `decided`, `open`, `dropped`, `fresh`.
    Only,
}

impl Facet {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] =
        [Self::Only, Self::Category, Self::Kind, Self::Mood, Self::Intent, Self::Energy, Self::Flag, Self::Book];

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Kind => "kind",
            Self::Mood => "mood",
            Self::Intent => "intent",
            Self::Energy => "energy",
            Self::Flag => "flag",
            Self::Book => "book",
            Self::Only => "only",
        }
    }
}

/// Order of a list of terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Best first.
    #[default]
    Rank,
    /// By the alphabet.
    Name,
    /// Commonest first.
    Occurrences,
    /// Those of most books first.
    Books,
}

impl Order {
    fn sql(self) -> &'static str {
        match self {
            Self::Rank => "i.term",
            Self::Name => "i.key, i.term",
            Self::Occurrences => "i.occurrences DESC, i.term",
            Self::Books => "i.documents DESC, i.term",
        }
    }

    /// The order of this name.
    pub fn named(name: &str) -> Self {
        match name {
            "name" => Self::Name,
            "occurrences" => Self::Occurrences,
            "books" => Self::Books,
            _ => Self::Rank,
        }
    }
}

/// A question about the list of terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermQuery {
    /// Words that the name begins with, or the definition has.
    pub words: String,
    /// What the terms have to have, all of it.
    pub facets: Vec<(Facet, String)>,
    /// Order.
    pub order: Order,
    /// Terms that are passed over.
    pub offset: u64,
    /// Terms of a page, at most [`TermQuery::LARGEST`].
    pub limit: u64,
}

/// The SQL of a question: a condition over `item i` and its values, and an order, whose values stand behind these.
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    pub(super) order: String,
    pub(super) order_values: Vec<Value>,
}

impl TermQuery {
    /// Terms of the largest page.
    pub const LARGEST: u64 = 500;

    /// A question from the names and values of an address; what is not known there asks for nothing.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut query = Self { limit: 100, ..Self::default() };
        for (name, value) in pairs {
            match name {
                "q" => value.clone_into(&mut query.words),
                "sort" => query.order = Order::named(value),
                "offset" => query.offset = value.parse().unwrap_or(0),
                "limit" => query.limit = value.parse().unwrap_or(100),
                name => {
                    if let Some(facet) = Facet::ALL.into_iter().find(|facet| facet.name() == name) {
                        query.facets.push((facet, value.to_owned()));
                    }
                }
            }
        }
        query.limit = query.limit.clamp(1, Self::LARGEST);
        query
    }

    /// Condition and order. Of terms that fit words, the one that is called so comes first, then those whose names have them, then
    /// those whose definitions do.
    pub(super) fn condition(&self) -> Condition {
        let mut parts = vec!["1".to_owned()];
        let mut values = Vec::new();
        let words = match_of(&self.words);
        if let Some(words) = &words {
            values.push(Value::Text(words.clone()));
            parts.push("i.term IN (SELECT rowid FROM words WHERE words MATCH ?1)".to_owned());
        }
        for (facet, value) in &self.facets {
            match facet {
                Facet::Only => parts.push(only(value).to_owned()),
                Facet::Book => {
                    values.push(Value::Integer(value.parse().unwrap_or(-1)));
                    parts.push(format!("i.term IN (SELECT term FROM statement WHERE book = ?{})", values.len()));
                }
                facet => {
                    values.push(Value::Text(value.clone()));
                    parts.push(format!("i.{} = ?{}", facet.name(), values.len()));
                }
            }
        }
        let mut order = self.order.sql().to_owned();
        let mut order_values = Vec::new();
        // Of terms that begin with a letter or two there are too many to be sorted at every keystroke.
        let is_long = self.words.trim().chars().count() > 2;
        if let (Some(words), Order::Rank, true) = (words, self.order, is_long) {
            let next = values.len() + 1;
            order_values = [sort_key(&self.words), format!("{{text other}} : ({words})")].map(Value::Text).to_vec();
            let in_name = format!("i.term NOT IN (SELECT rowid FROM words WHERE words MATCH ?{})", next + 1);
            order = format!("i.key <> ?{next}, {in_name}, {order}");
        }
        Condition { sql: parts.join(" AND "), values, order, order_values }
    }
}

/// Key by which names stand in the order of the alphabet, whatever their case and accents: letters without their marks, then the name itself.
pub(super) fn sort_key(name: &str) -> String {
    let small = name.trim().to_lowercase();
    let plain: String = small.nfd().filter(|c| !is_combining_mark(*c)).collect();
    plain.replace('ß', "ss").replace('æ', "ae").replace('œ', "oe").replace('ø', "o")
}

/// Condition of a property; of one that is not known, none.
fn only(name: &str) -> &'static str {
    match name {
        "defined" => "i.defined",
        "undefined" => "NOT i.defined",
        "shared" => "i.documents > 1",
        "conflict" => "i.conflicts > 0",
        "flagged" => "i.flag IS NOT NULL",
        "fresh" => "i.fresh",
        "decided" => "i.canonical IN (SELECT canonical FROM temp.decided)",
        "open" => "i.canonical NOT IN (SELECT canonical FROM temp.decided)",
        _ => "1",
    }
}

/// Words as a question of FTS5: each in quotes, so that nothing in them is an operator, the last one the beginning of a word
/// (<https://www.sqlite.org/fts5.html#full_text_query_syntax>). None without a letter.
fn match_of(words: &str) -> Option<String> {
    let words: Vec<String> = words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\""))
        .collect();
    (!words.is_empty()).then(|| format!("{}*", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_whatever_they_look_like() {
        assert_eq!(match_of("Dark elf").as_deref(), Some("\"Dark\" \"elf\"*"));
        assert_eq!(match_of("\" OR text:* NEAR(").as_deref(), Some("\"OR\" \"text\" \"NEAR\"*"));
        assert_eq!(match_of(" -* \"'"), None);
    }

    #[test]
    fn letters_of_other_languages_stand_where_readers_look_for_them() {
        let mut names = ["Zauber", "Ärger", "Straße", "Éclair", "Strasse", "año", "Acht", "œuvre", "ober"];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, ["Acht", "año", "Ärger", "Éclair", "ober", "œuvre", "Straße", "Strasse", "Zauber"]);
    }

    #[test]
    fn an_address_asks_for_what_it_names_and_no_more() {
        let query =
            TermQuery::of([("q", "orc"), ("book", "3"), ("colour", "red"), ("limit", "9999"), ("sort", "name")]);
        assert_eq!((query.limit, query.order), (TermQuery::LARGEST, Order::Name));
        assert_eq!(query.facets, [(Facet::Book, "3".to_owned())]);
        let injected = TermQuery::of([("category", "' OR 1 --"), ("only", "1; DROP TABLE item")]).condition();
        assert_eq!((injected.sql.as_str(), injected.values.len()), ("1 AND i.category = ?1 AND 1", 1));
    }
}
