//! Words, lines and their marks.

use std::collections::HashMap;
use std::sync::Arc;

use super::parts::about_the_book;
use super::scripts::{Unspaced, begins_word, in_word, is_apostrophe, is_hyphen, unspaced};
use super::spelling::fold;
use super::word_sets::{WordSets, word_sets};
use super::{closed_words, inflection};
use crate::chunk::is_abbreviation;
use corpora_values::{BlockKind, MarkKind, ParsedDocument, Span};

/// A word of the text, or one part of a hyphenated word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// First byte.
    pub(super) start: u32,
    /// One past the last byte, a possessive ending left out.
    pub(super) end: u32,
    /// Index into [`Tokens::vocabulary`].
    pub(super) id: u32,
    /// It begins with an uppercase letter.
    pub(super) upper: bool,
    /// It has capitals only, two at least.
    pub(super) capitals: bool,
    /// Nothing but white space (or a hyphen) stands between it and the word before it.
    pub(super) adjoins: bool,
    /// A hyphen joins it to the word before it.
    pub(super) hyphen: bool,
    /// It begins a sentence, or a line: a capital says nothing.
    pub(super) opens: bool,
    /// It stands in code.
    pub(super) code: bool,
}

/// A block's words, or a table cell's.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Indices into [`Tokens::words`].
    pub(super) words: std::ops::Range<usize>,
    /// The block around it.
    pub(super) block: Span,
    /// Its words make up all of a heading, a cell, an item or a line that ends like no sentence.
    pub(super) own: bool,
    /// It is a heading by its kind.
    pub(super) heading: bool,
}

/// Facts known of a folded word.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Case-folded form.
    pub(super) text: Box<str>,
    /// Id of the form that it is an inflection of, or its own.
    pub(super) base: u32,
    /// In the language's list of stop words.
    pub(super) stop: bool,
    /// An article, preposition, pronoun, auxiliary or conjunction.
    pub(super) function: bool,
    /// It may be a term alone.
    pub(super) alone: bool,
    /// Occurrences in the text.
    pub(super) count: u32,
}

/// A text cut into words and lines.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// All words, in text order.
    pub(super) words: Vec<Word>,
    /// All lines, in text order.
    pub(super) lines: Vec<Line>,
    /// Folded words by id.
    pub(super) vocabulary: Vec<Entry>,
    /// True if the text is English, or of unknown language.
    pub(super) english: bool,
    /// Two letters of the language.
    pub(super) language: String,
}

struct Tokenizer<'a> {
    text: &'a str,
    tokens: Tokens,
    ids: HashMap<String, u32>,
    surfaces: HashMap<&'a str, (u32, u8)>,
    sets: Arc<WordSets>,
    elides: bool,
    kanji: bool,
}

/// Cuts a document's blocks into lines and words; text outside every block counts as paragraphs of one line each. What repeats
/// on every page is left out: a running head would make a title of each chapter's name a hundred times over. So are the parts of a book
/// that are about the book: its contents, its index, what the publisher says, lists of works.
pub(super) fn tokenize(document: &ParsedDocument) -> Tokens {
    let mut reader = Tokenizer::new(&document.text, document.metadata.language.as_deref());
    let skipped = about_the_book(document);
    let mut at = 0;
    for block in &document.blocks {
        reader.plain(at, at.max(block.span.start as usize));
        let is_text = !matches!(block.kind, BlockKind::Furniture | BlockKind::ContentsEntry | BlockKind::IndexEntry);
        if is_text && !skipped.iter().any(|part| part.contains(block.span.start)) {
            reader.block(block.span, block.kind);
        }
        at = block.span.end as usize;
    }
    reader.plain(at, document.text.len());
    let mut tokens = reader.finish();
    for mark in document.markup.marks.iter().filter(|mark| mark.kind == MarkKind::Code) {
        let from = tokens.words.partition_point(|word| word.start < mark.span.start);
        tokens.words[from..].iter_mut().take_while(|word| word.end <= mark.span.end).for_each(|word| word.code = true);
    }
    tokens
}

/// Cuts a passage of a text in this language (a BCP 47 tag); each line stands for itself.
pub(super) fn tokenize_passage(passage: &str, language: Option<&str>) -> Tokens {
    let mut reader = Tokenizer::new(passage, language);
    reader.plain(0, passage.len());
    reader.finish()
}

/// Most words of a line that may be a title or a label rather than text.
const LONGEST_LINE: usize = 8;

const UPPER: u8 = 1;
const NUMBER: u8 = 2;
const CAPITALS: u8 = 4;

impl<'a> Tokenizer<'a> {
    fn new(text: &'a str, language: Option<&str>) -> Self {
        let language = super::language::language(language);
        let english = language == "en";
        let count = |wanted: fn(char) -> bool| text.chars().filter(|c| wanted(*c)).count();
        let hiragana = if text.is_ascii() { 0 } else { count(|c| matches!(c, '\u{3041}'..='\u{309f}')) };
        Self {
            text,
            tokens: Tokens { english, language: language.clone(), ..Tokens::default() },
            ids: HashMap::new(),
            surfaces: HashMap::new(),
            sets: word_sets(&language),
            elides: matches!(language.as_str(), "fr" | "it" | "ca" | "oc"),
            kanji: hiragana > 0 && hiragana * 10 > count(|c| unspaced(c) == Some(Unspaced::Ideograph)),
        }
    }

    fn finish(mut self) -> Tokens {
        for word in &self.tokens.words {
            self.tokens.vocabulary[word.id as usize].count += 1;
        }
        self.find_bases();
        self.tokens
    }

    /// Joins inflections with the forms that they come from, where the text has both, or ordinary prose does.
    fn find_bases(&mut self) {
        let language = self.tokens.language.clone();
        for id in 0..self.tokens.vocabulary.len() {
            let entry = &self.tokens.vocabulary[id];
            let is_attested = |form: &str| {
                let other = self.ids.get(form).map(|&other| &self.tokens.vocabulary[other as usize]);
                // "News" is no plural of "new".
                other.is_some_and(|other| other.count > 0 && (!other.stop || entry.stop))
            };
            let base = inflection::attested(&entry.text, &language, is_attested);
            let base = base.or_else(|| self.tokens.english.then(|| inflection::known(&entry.text)).flatten());
            if let Some(base) = base {
                self.tokens.vocabulary[id].base = self.intern(base);
            }
        }
        for id in 0..self.tokens.vocabulary.len() {
            let mut base = self.tokens.vocabulary[id].base;
            // A base may be an inflection itself; rules only shorten or keep, but no circle is trusted to be impossible.
            for _ in 0..3 {
                base = self.tokens.vocabulary[base as usize].base;
            }
            self.tokens.vocabulary[id].base = base;
        }
    }

    fn plain(&mut self, start: usize, end: usize) {
        let mut at = start;
        for line in self.text[start..end].split_inclusive(['\n', '\u{c}']) {
            let body = line.trim();
            if !body.is_empty() {
                let lead = at + line.len() - line.trim_start().len();
                self.block(Span::new(lead, lead + body.len()), BlockKind::Paragraph);
            }
            at += line.len();
        }
    }

    fn block(&mut self, span: Span, kind: BlockKind) {
        let body = span.of(self.text);
        if !matches!(kind, BlockKind::TableRow | BlockKind::ContentsEntry | BlockKind::IndexEntry) {
            self.line(span, span, kind);
            return;
        }
        let mut at = span.start as usize;
        for cell in body.split_inclusive(['\t', '|']) {
            let length = cell.trim_end_matches(['\t', '|', ' ']).len();
            if length > 0 {
                self.line(Span::new(at, at + length), span, kind);
            }
            at += cell.len();
        }
    }

    fn line(&mut self, span: Span, block: Span, kind: BlockKind) {
        let first = self.tokens.words.len();
        let clean = self.words(span);
        let words = first..self.tokens.words.len();
        if words.is_empty() {
            return;
        }
        let last = span.of(self.text).chars().next_back();
        let heading = matches!(kind, BlockKind::Heading(_));
        let ends_open =
            !last.is_some_and(|c| matches!(c, '.' | '!' | '?' | ',' | ';' | '…' | '。' | '！' | '？' | '，' | '、'));
        // A line of running text that a parser took for a paragraph mostly begins in lower case.
        let begins_low = span.of(self.text).chars().next().is_some_and(char::is_lowercase);
        let ends_open = ends_open && !(kind == BlockKind::Paragraph && begins_low);
        let own = clean
            && (heading || (ends_open && words.len() <= LONGEST_LINE))
            && !matches!(kind, BlockKind::Footnote | BlockKind::Code);
        self.tokens.lines.push(Line { words, block, own, heading });
    }

    /// Reads the words of a line; whether they adjoin each other with nothing between.
    fn words(&mut self, span: Span) -> bool {
        let text = self.text;
        let (mut at, end) = (span.start as usize, span.end as usize);
        let first = self.tokens.words.len();
        let mut clean = true;
        let mut adjoins = true;
        let mut hyphen = false;
        let mut opens = true;
        let mut quoted = false;
        let mut counted = false;
        while let Some(c) = text[at..end].chars().next() {
            if begins_word(c) {
                let stop = self.word_end(at, end);
                let surface = &text[at..stop];
                // Soft hyphens alone are no word: folded, nothing is left of them.
                if surface.chars().all(|c| c == '\u{ad}') {
                    at = stop;
                    continue;
                }
                let (id, marks) = self.surface(surface);
                let is_measure = std::mem::take(&mut counted) && marks & UPPER == 0 && closed_words::is_unit(surface);
                if marks & NUMBER != 0 || is_measure {
                    // What is counted is no measure: of "2 tsp cumin" cumin is left.
                    counted = !is_measure;
                    at = if is_measure { stop } else { self.compound_end(stop, end) };
                    (adjoins, hyphen, opens) = (false, false, false);
                    clean &= self.tokens.words.len() == first;
                    continue;
                }
                let possessive = possessive(surface);
                self.tokens.words.push(Word {
                    start: span_offset(at),
                    end: span_offset(stop - possessive),
                    id,
                    upper: marks & UPPER != 0,
                    capitals: marks & CAPITALS != 0,
                    adjoins: adjoins && self.tokens.words.len() > first,
                    hyphen: hyphen && adjoins && self.tokens.words.len() > first,
                    opens,
                    code: false,
                });
                clean &= adjoins || self.tokens.words.len() == first + 1;
                (adjoins, hyphen, opens) = (true, false, false);
                at = stop;
                let mut rest = text[at..end].chars();
                match (rest.next(), rest.next()) {
                    (Some(h), Some(next)) if is_hyphen(h) && begins_word(next) => {
                        hyphen = true;
                        at += h.len_utf8();
                    }
                    // "Will-o'-the-wisp" is one word.
                    (Some(a), Some(h)) if is_apostrophe(a) && is_hyphen(h) && rest.next().is_some_and(begins_word) => {
                        hyphen = true;
                        at += a.len_utf8() + h.len_utf8();
                    }
                    // The possessive of a plural: "thieves' tools".
                    (Some(a), Some(' ')) if is_apostrophe(a) && !quoted && surface.ends_with('s') => at += a.len_utf8(),
                    _ => {}
                }
                continue;
            }
            if let Some(script) = unspaced(c) {
                let (stop, word) = self.unspaced_run(at, end, script, span);
                if word {
                    let (id, _) = self.surface(&text[at..stop]);
                    let (start, end) = (span_offset(at), span_offset(stop));
                    let capitals = false;
                    self.tokens.words.push(Word {
                        start,
                        end,
                        id,
                        upper: false,
                        capitals,
                        adjoins: false,
                        hyphen: false,
                        opens,
                        code: false,
                    });
                    clean &= self.tokens.words.len() == first + 1;
                }
                clean &= word;
                (adjoins, opens) = (false, false);
                at = stop;
                continue;
            }
            if !c.is_whitespace() {
                (adjoins, counted) = (false, false);
                quoted |= matches!(c, '\'' | '‘');
                opens |= c == '.' && !self.after_abbreviation(first);
                opens |= matches!(c, '!' | '?' | ':' | '…' | '"' | '“' | '‘' | '«' | '„' | '•' | '*' | '—' | '|');
            }
            hyphen = false;
            at += c.len_utf8();
        }
        clean
    }

    /// Test whether the last word, of those from `first`, is an abbreviation such as "Mr".
    fn after_abbreviation(&self, first: usize) -> bool {
        let last = self.tokens.words[first..].last();
        last.is_some_and(|w| is_abbreviation(&self.tokens.vocabulary[w.id as usize].text))
    }

    /// The end of the word at `at`: apostrophes inside belong to it, hyphens do not.
    fn word_end(&self, at: usize, end: usize) -> usize {
        let part = &self.text[at..end];
        let mut chars = part.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if in_word(c) {
                continue;
            }
            if is_apostrophe(c) && chars.peek().is_some_and(|(_, n)| begins_word(*n)) {
                if self.elides && i <= 3 {
                    return at + i;
                }
                continue;
            }
            return at + i;
        }
        end
    }

    /// The end of what hyphens and decimal points join to a number: "4th-level" is no level.
    fn compound_end(&self, at: usize, end: usize) -> usize {
        let mut chars = self.text[at..end].char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let joins = is_hyphen(c) || is_apostrophe(c) || matches!(c, '.' | ',' | '/' | '×');
            let within = in_word(c) || (joins && chars.peek().is_some_and(|(_, n)| in_word(*n)));
            if !within {
                return at + i;
            }
        }
        end
    }

    /// The end of a run of unspaced script, and whether it can stand for a word: runs of kanji and katakana in Japanese
    /// text, elsewhere only what fills a line or a pair of brackets.
    fn unspaced_run(&self, at: usize, end: usize, script: Unspaced, line: Span) -> (usize, bool) {
        let content = |s: Unspaced| s != Unspaced::Other;
        let part = &self.text[at..end];
        let length = part
            .char_indices()
            .find(|(_, c)| unspaced(*c).is_none_or(|s| content(s) != content(script)))
            .map_or(part.len(), |(i, _)| i);
        let stop = at + length;
        let characters = part[..length].chars().count();
        if !content(script) || !(2..=8).contains(&characters) {
            return (stop, false);
        }
        let before = self.text[line.start as usize..at].chars().next_back();
        let after = self.text[stop..end].chars().next();
        let opens = |c: char| c.is_whitespace() || "《「『“【（(".contains(c);
        let closes = |c: char| c.is_whitespace() || "》」』”】）)".contains(c);
        let bracketed = before.is_none_or(opens) && after.is_none_or(closes);
        (stop, self.kanji || bracketed)
    }

    fn surface(&mut self, surface: &'a str) -> (u32, u8) {
        if let Some(known) = self.surfaces.get(surface) {
            return *known;
        }
        let first = surface.chars().next();
        let mut marks = 0;
        if first.is_some_and(char::is_uppercase) {
            marks |= UPPER;
        }
        if first.is_some_and(char::is_numeric) {
            marks |= NUMBER;
        }
        if surface.chars().count() > 1 && surface.chars().all(|c| c.is_uppercase() || c.is_numeric()) {
            marks |= CAPITALS;
        }
        let folded = fold(&surface[..surface.len() - possessive(surface)]);
        // Invisible characters may have hidden an ending.
        let id = self.intern(folded.trim_matches('\'').trim_end_matches("'s").to_owned());
        self.surfaces.insert(surface, (id, marks));
        (id, marks)
    }

    fn intern(&mut self, text: String) -> u32 {
        if let Some(&id) = self.ids.get(&text) {
            return id;
        }
        let id = span_offset(self.tokens.vocabulary.len());
        let function = self.sets.functions.contains(text.as_str()) || closed_words::is_contraction(&text);
        let letters = text.chars().count();
        let stop = function || self.sets.stops.contains(text.as_str()) || (letters == 1 && text.is_ascii());
        let alone = !function && !self.sets.never_alone.contains(text.as_str()) && !closed_words::is_roman(&text);
        self.tokens.vocabulary.push(Entry {
            base: id,
            stop,
            function,
            alone,
            count: 0,
            text: text.clone().into_boxed_str(),
        });
        self.ids.insert(text, id);
        id
    }
}

/// Bytes of a possessive ending, or of several.
fn possessive(surface: &str) -> usize {
    let mut base = surface;
    while let Some(shorter) =
        ["'s", "’s", "'S", "’S"].iter().find_map(|e| base.strip_suffix(e)).filter(|b| !b.is_empty())
    {
        base = shorter;
    }
    surface.len() - base.len()
}

fn span_offset(n: usize) -> u32 {
    u32::try_from(n).expect("the parser refuses text of 4 GiB and more")
}

impl Tokens {
    /// Facts known of the word at index `i`.
    pub(super) fn entry(&self, i: usize) -> &Entry {
        &self.vocabulary[self.words[i].id as usize]
    }

    /// Test whether the word at index `i` may be a term alone: two letters only where they are capitals, as in "HP".
    pub(super) fn may_stand_alone(&self, i: usize) -> bool {
        let entry = self.entry(i);
        entry.alone && (entry.text.len() > 2 || self.words[i].capitals)
    }

    /// Test whether a hyphen joins the word at index `i` of `line` to the one before it.
    pub(super) fn continues(&self, i: usize, line: &Line) -> bool {
        i < line.words.end && self.words[i].hyphen
    }

    /// Test whether the word at index `i` carries meaning: no stop word, or part of a hyphenated word.
    pub(super) fn is_content(&self, i: usize) -> bool {
        !self.entry(i).stop || self.words[i].hyphen || self.words.get(i + 1).is_some_and(|w| w.hyphen)
    }

    /// Test whether the word at index `i` may stand in lower case inside a name.
    pub(super) fn is_particle(&self, i: usize) -> bool {
        let word = &*self.entry(i).text;
        let foreign =
            || !self.english && matches!(word, "do" | "dos" | "e" | "und" | "des" | "les" | "zu" | "zum" | "zur");
        let common = matches!(
            word,
            "of" | "the"
                | "and"
                | "de"
                | "la"
                | "le"
                | "du"
                | "del"
                | "della"
                | "di"
                | "da"
                | "der"
                | "von"
                | "van"
                | "den"
                | "y"
                | "et"
        );
        !self.words[i].upper && (common || foreign())
    }
}
