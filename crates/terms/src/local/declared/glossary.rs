//! Lists of definitions, glossary chapters, and tables of terms with their meanings.

use corpora_values::{BlockKind, DefinitionSource, MarkKind, PartKind, Span};

use super::{Book, Declared, head_word, says, trimmed};

/// Headings of a glossary in the languages of most books, folded.
const GLOSSARIES: &[&str] = &[
    "glossary",
    "glossary of terms",
    "key terms",
    "key words",
    "definitions",
    "terminology",
    "terms",
    "terms and definitions",
    "vocabulary",
    "lexicon",
    "definition of terms",
    "glossar",
    "begriffe",
    "begriffsbestimmungen",
    "begriffsbestimmung",
    "begriffserklärungen",
    "definitionen",
    "worterklärungen",
    "wörterverzeichnis",
    "fachbegriffe",
    "glossaire",
    "définitions",
    "lexique",
    "termes",
    "glosario",
    "definiciones",
    "vocabulario",
    "términos",
    "glossario",
    "definizioni",
    "vocabolario",
    "termini",
    "glossário",
    "definições",
    "begrippen",
    "begrippenlijst",
    "woordenlijst",
    "verklarende woordenlijst",
    "definities",
    "ordlista",
    "ordliste",
    "słowniczek",
    "słownik",
];

/// Heads of a column of terms.
const TERMS: &[&str] = &[
    "term",
    "terms",
    "word",
    "words",
    "expression",
    "phrase",
    "concept",
    "abbreviation",
    "acronym",
    "begriff",
    "wort",
    "ausdruck",
    "abkürzung",
    "terme",
    "mot",
    "expression",
    "sigle",
    "término",
    "palabra",
    "termine",
    "parola",
    "termo",
    "palavra",
    "begrip",
    "woord",
];

/// Heads of a column of their meanings.
const MEANINGS: &[&str] = &[
    "meaning",
    "meanings",
    "definition",
    "definitions",
    "explanation",
    "description",
    "stands for",
    "bedeutung",
    "erklärung",
    "definition",
    "erläuterung",
    "beschreibung",
    "définition",
    "signification",
    "explication",
    "description",
    "significado",
    "definición",
    "descripción",
    "explicación",
    "significato",
    "definizione",
    "descrizione",
    "spiegazione",
    "definição",
    "descrição",
    "betekenis",
    "definitie",
    "uitleg",
];

/// A list is in the order of the alphabet if this share of its neighbours are,
const SORTED: f64 = 0.9;

/// and it has so many entries.
const FEWEST_SORTED: usize = 6;

pub(super) fn declared(book: &Book<'_>) -> Vec<Declared> {
    let chapters = chapters(book);
    let mut found = lists(book, &chapters);
    found.extend(tables(book, &chapters));
    found.extend(chapters.iter().flat_map(|chapter| entries(book, chapter.clone())));
    found
}

fn folded(text: &str) -> String {
    let words =
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && !w.chars().all(char::is_numeric));
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Ranges of blocks that are a glossary by their heading or by the file's own word.
fn chapters(book: &Book<'_>) -> Vec<std::ops::Range<usize>> {
    let mut chapters: Vec<std::ops::Range<usize>> = Vec::new();
    for (n, block) in book.blocks.iter().enumerate() {
        if chapters.last().is_some_and(|last| last.contains(&n)) {
            continue;
        }
        let BlockKind::Heading(_) = block.kind else { continue };
        let title = folded(book.of_block(n));
        if GLOSSARIES.contains(&title.as_str()) || book.is_in(PartKind::Glossary, block.span.start) {
            chapters.push(n..book.section_end(n));
        }
    }
    chapters
}

/// Lists of definitions. Those of a program's options are none.
fn lists(book: &Book<'_>, chapters: &[std::ops::Range<usize>]) -> Vec<Declared> {
    let mut found = Vec::new();
    let mut n = 0;
    let is_part = |n: usize| matches!(book.blocks[n].kind, BlockKind::DefinitionTerm | BlockKind::Definition);
    while n < book.blocks.len() {
        if book.blocks[n].kind != BlockKind::DefinitionTerm {
            n += 1;
            continue;
        }
        // The entries of a list that a letter's heading interrupts are still one list.
        let end = (n..book.blocks.len()).find(|&at| !is_part(at)).unwrap_or(book.blocks.len());
        let pairs = pairs(book, n..end);
        let heads: Vec<String> = pairs.iter().map(|(term, _)| folded(term.of(book.text))).collect();
        let is_code =
            |span: Span| book.is_marked(span, |kind| *kind == MarkKind::Code) || !begins_as_a_term(span.of(book.text));
        let code = pairs.iter().filter(|(term, _)| is_code(*term)).count();
        let inside = chapters.iter().any(|chapter| chapter.contains(&n))
            || book.is_in(PartKind::Glossary, book.blocks[n].span.start);
        let defined = pairs.iter().filter(|(term, _)| book.is_marked(*term, |kind| *kind == MarkKind::Defined)).count();
        let is_glossary = inside || defined * 2 > pairs.len() || is_sorted(&heads);
        let source = if is_glossary { DefinitionSource::Glossary } else { DefinitionSource::List };
        if inside || code * 2 < pairs.len() {
            found.extend(pairs.into_iter().map(|(term, meaning)| Declared { term, meaning, source }));
        }
        n = end;
    }
    found
}

/// Test whether the text begins like a word and not like an option or a function.
fn begins_as_a_term(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| c.is_alphanumeric() || matches!(c, '“' | '"' | '„' | '«' | '\'' | '‘'))
        && !text.contains(['=', '_', '<', '{', '('])
}

fn is_sorted(heads: &[String]) -> bool {
    let rising = heads.windows(2).filter(|pair| pair[0] <= pair[1]).count();
    heads.len() >= FEWEST_SORTED && rising as f64 >= SORTED * (heads.len() - 1) as f64
}

/// The terms of a list, each with what stands below it.
fn pairs(book: &Book<'_>, blocks: std::ops::Range<usize>) -> Vec<(Span, Span)> {
    let mut found = Vec::new();
    let mut terms: Vec<Span> = Vec::new();
    let mut n = blocks.start;
    while n < blocks.end {
        if book.blocks[n].kind == BlockKind::DefinitionTerm {
            terms.extend(defined_in(book, book.blocks[n].span).or_else(|| head_word(book.text, book.blocks[n].span)));
            n += 1;
            continue;
        }
        let is_meaning = |&at: &usize| book.blocks[at].kind == BlockKind::Definition;
        let end = (n..blocks.end).take_while(is_meaning).last().map_or(n, |last| last + 1);
        if let Some(meaning) = book.meaning(n..end) {
            found.extend(terms.drain(..).map(|term| (term, meaning)));
        }
        terms.clear();
        n = end.max(n + 1);
    }
    found
}

/// The run of an entry that its author marks as what is defined.
fn defined_in(book: &Book<'_>, entry: Span) -> Option<Span> {
    let mark = book.document.markup.marks_in(entry).iter().find(|mark| mark.kind == MarkKind::Defined)?;
    head_word(book.text, mark.span)
}

/// Tables with a column of terms and one of meanings.
fn tables(book: &Book<'_>, chapters: &[std::ops::Range<usize>]) -> Vec<Declared> {
    let mut found = Vec::new();
    for table in &book.document.markup.tables {
        let rows = table.first_block as usize..(table.first_block + table.rows) as usize;
        let Some(rows) = book.document.blocks.get(rows) else { continue };
        let Some(first) = rows.first() else { continue };
        let heads: Vec<String> = first.span.of(book.text).split('\t').map(folded).collect();
        let named = heads.len() >= 2 && TERMS.contains(&heads[0].as_str()) && MEANINGS.contains(&heads[1].as_str());
        let at = book.blocks.partition_point(|block| block.span.start < first.span.start);
        let inside = heads.len() == 2 && chapters.iter().any(|chapter| chapter.contains(&at));
        if !named && !inside {
            continue;
        }
        for row in rows.iter().skip((table.header_rows as usize).max(usize::from(named))) {
            let text = row.span.of(book.text);
            let Some((term, rest)) = text.split_once('\t') else { continue };
            let start = row.span.start as usize;
            let meaning = rest.split('\t').next().unwrap_or_default();
            let from = start + term.len() + 1;
            let meaning = Span::new(from, from + meaning.len());
            let head = head_word(book.text, Span::new(start, start + term.len()));
            if let Some(term) = head.filter(|_| says(book.text, meaning)) {
                found.push(Declared { term, meaning, source: DefinitionSource::Glossary });
            }
        }
    }
    found
}

/// Entries of a glossary chapter that are no list: headings with their text, names that run in, "term: meaning", "term - meaning".
fn entries(book: &Book<'_>, chapter: std::ops::Range<usize>) -> Vec<Declared> {
    let source = DefinitionSource::Glossary;
    let mut found = Vec::new();
    let is_heading = |n: usize| matches!(book.blocks[n].kind, BlockKind::Heading(_));
    let deepest = chapter.clone().skip(1).filter_map(|n| match book.blocks[n].kind {
        BlockKind::Heading(level) => Some(level),
        _ => None,
    });
    let deepest = deepest.max();
    for n in chapter.clone().skip(1) {
        if is_heading(n) {
            // Letters and groups of entries stand above the entries.
            let is_entry = deepest.is_some_and(|level| book.blocks[n].kind == BlockKind::Heading(level));
            let end = (n + 1..chapter.end).find(|&at| is_heading(at)).unwrap_or(chapter.end);
            let end = (n + 1..end).find(|&at| book.blocks[at].kind == BlockKind::Code).unwrap_or(end);
            if is_entry
                && let Some(term) = head_word(book.text, book.blocks[n].span)
                && let Some(meaning) = book.meaning(n + 1..end)
            {
                found.push(Declared { term, meaning, source });
            }
        } else if deepest.is_none()
            && matches!(book.blocks[n].kind, BlockKind::Paragraph | BlockKind::ListItem)
            && let Some((term, meaning)) = in_one_block(book, book.blocks[n].span)
        {
            found.push(Declared { term, meaning, source });
        }
    }
    found
}

/// An entry in one block: its term stands out, or a colon or a dash parts it from its meaning.
fn in_one_block(book: &Book<'_>, block: Span) -> Option<(Span, Span)> {
    let stands_out = |kind: &MarkKind| {
        matches!(kind, MarkKind::Bold | MarkKind::Italic | MarkKind::SmallCaps | MarkKind::Defined | MarkKind::RunIn)
    };
    let mark = book
        .document
        .markup
        .marks_in(block)
        .iter()
        .find(|mark| stands_out(&mark.kind) && mark.span.start == block.start);
    let end = match mark {
        Some(mark) => mark.span.end as usize,
        None => {
            let text = block.of(book.text);
            let parts = [": ", " – ", " — ", " - "];
            block.start as usize + parts.iter().filter_map(|part| text.find(part)).min()?
        }
    };
    let term = head_word(book.text, Span::new(block.start as usize, end))?;
    let meaning = trimmed(book.text, end, block.end as usize);
    let meaning = Span::new(meaning.start as usize, block.end as usize);
    says(book.text, meaning).then_some((term, meaning))
}
