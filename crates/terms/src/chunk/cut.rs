//! The chunker: a window as large as the budget allows, then a backward search for the best place to cut.

use unicode_normalization::char::is_combining_mark;

use super::ChunkSettings;
use super::sentences::is_sentence_end;
use super::tokens::{tokens_of, weight, weight_of};
use corpora_values::{Block, BlockKind, Chunk, ParsedDocument, Span};

/// Version of the chunker's output.
pub const VERSION: u32 = 1;

/// Characters that the search for a cut between characters goes back to spare a grapheme.
const LONGEST_GRAPHEME: usize = 32;

/// Cuts a document.
///
/// Every character that is not white space lies in at least one chunk, chunks are in text order, and none exceeds
/// `max_tokens` by [`super::estimate_tokens`] unless it is a single character. A cut falls, in this order of
/// preference and within the second half of the window, before a heading, between blocks, between sentences, between
/// words, between characters; never right after a heading if anything else can be had. A chunk repeats whole sentences
/// from the end of the one before it, up to `overlap_tokens`, unless it begins at a heading. Takes time linear in the
/// text.
pub fn chunk(document: &ParsedDocument, settings: ChunkSettings) -> Vec<Chunk> {
    let text = document.text.as_str();
    let limit = weight_of(settings.max_tokens.max(1));
    let overlap = weight_of(settings.overlap_tokens).min(limit / 2);
    let cutter = Cutter { text, blocks: &document.blocks };
    let mut chunks = Vec::new();
    let mut start = skip_space(text, 0);
    // Where text begins that no chunk holds yet.
    let mut fresh = start;
    while start < text.len() {
        let mut window = reach(text, start, limit);
        if window <= fresh {
            // The repeated text leaves no room for the next character: begin without it.
            start = fresh;
            window = reach(text, start, limit);
        }
        let end = if window == text.len() { window } else { cutter.cut(start, fresh, window) };
        let kept = start + text[start..end].trim_end().len();
        if kept > start {
            chunks.push(finish(document, start, kept));
        }
        fresh = skip_space(text, end);
        if fresh == text.len() {
            break;
        }
        let repeat = overlap > 0 && !cutter.begins_at_heading(fresh);
        start = if repeat { cutter.overlap(start, end, fresh, overlap) } else { fresh };
    }
    chunks
}

fn finish(document: &ParsedDocument, start: usize, end: usize) -> Chunk {
    let span = Span::new(start, end);
    let section =
        |at: u32| document.section_at(at).map_or(0, |s| u32::try_from(s).expect("a section takes a byte of text"));
    let sum = document.text[start..end].chars().map(weight).sum();
    Chunk { span, first_section: section(span.start), last_section: section(span.end - 1), tokens: tokens_of(sum) }
}

/// The first byte at or after `at` that begins a character other than white space.
fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// The end of the longest text from `start` that weighs `limit` at most, and at least one character.
fn reach(text: &str, start: usize, limit: u64) -> usize {
    let mut sum = 0;
    for (i, c) in text[start..].char_indices() {
        sum += weight(c);
        if sum > limit && i > 0 {
            return start + i;
        }
    }
    text.len()
}

struct Cutter<'a> {
    text: &'a str,
    blocks: &'a [Block],
}

impl Cutter<'_> {
    /// Index of the first block that ends at or after `at`.
    fn block_ending_from(&self, at: usize) -> usize {
        self.blocks.partition_point(|b| (b.span.end as usize) < at)
    }

    fn begins_at_heading(&self, at: usize) -> bool {
        let i = self.blocks.partition_point(|b| (b.span.start as usize) < at);
        self.blocks.get(i).is_some_and(|b| b.span.start as usize == at && is_heading(b))
    }

    /// End of a chunk that begins at `start`, must go beyond `fresh` and may reach `window`.
    fn cut(&self, start: usize, fresh: usize, window: usize) -> usize {
        let middle = self.text.floor_char_boundary(start + (window - start) / 2).max(fresh);
        if let Some(end) = self.between_blocks(middle, window) {
            return end;
        }
        let mut word = None;
        let mut sentence = None;
        for (i, c) in self.text[middle..window].char_indices().rev() {
            let at = middle + i + c.len_utf8();
            if at == middle {
                break;
            }
            if word.is_none() && self.is_word_boundary(at) {
                word = Some(at);
            }
            if is_sentence_end(self.text, at) && !self.ends_heading(at) {
                sentence = Some(at);
                break;
            }
        }
        sentence
            .or_else(|| self.after_heading(middle, window))
            .or(word)
            .unwrap_or_else(|| self.between_characters(fresh, window))
    }

    /// The last good boundary between blocks in `middle + 1 ..= window`: before a heading that follows other text, else
    /// after any block that is no heading.
    fn between_blocks(&self, middle: usize, window: usize) -> Option<usize> {
        let first = self.block_ending_from(middle + 1);
        let ends = self.blocks.iter().enumerate().skip(first).take_while(|(_, b)| b.span.end as usize <= window);
        let mut plain = None;
        let mut before_heading = None;
        for (i, block) in ends {
            if is_heading(block) {
                continue;
            }
            let end = block.span.end as usize;
            plain = Some(end);
            if self.blocks.get(i + 1).is_some_and(is_heading) {
                before_heading = Some(end);
            }
        }
        before_heading.or(plain)
    }

    /// The last boundary between two headings in `middle + 1 ..= window`, for lists of nothing but headings.
    fn after_heading(&self, middle: usize, window: usize) -> Option<usize> {
        let last = self.blocks.partition_point(|b| b.span.end as usize <= window).checked_sub(1)?;
        let end = self.blocks[last].span.end as usize;
        (end > middle && self.blocks.get(last + 1).is_some_and(is_heading)).then_some(end)
    }

    fn ends_heading(&self, at: usize) -> bool {
        self.blocks.get(self.block_ending_from(at)).is_some_and(|b| is_heading(b) && b.span.end as usize == at)
    }

    fn is_word_boundary(&self, at: usize) -> bool {
        let before = self.text[..at].chars().next_back();
        let after = self.text[at..].chars().next();
        match (before, after) {
            (Some(a), Some(b)) => !a.is_whitespace() && b.is_whitespace(),
            _ => true,
        }
    }

    /// The last cut at or before `window` that parts no grapheme, or `window` if all of the last characters are one.
    fn between_characters(&self, low: usize, window: usize) -> usize {
        let mut at = window;
        for (i, c) in self.text[low..window].char_indices().rev().take(LONGEST_GRAPHEME) {
            let after = self.text[at..].chars().next();
            if !after.is_some_and(extends) && c != '\u{200d}' {
                return at;
            }
            at = low + i;
            if at == low {
                break;
            }
        }
        window
    }

    /// Place at which the chunk after one of `start..end` begins, so that it repeats at most `overlap` of it; `next` is
    /// where it would begin without overlap.
    fn overlap(&self, start: usize, end: usize, next: usize, overlap: u64) -> usize {
        let mut sum: u64 = self.text[end..next].chars().map(weight).sum();
        let mut word = None;
        let mut sentence = None;
        let mut block = self.block_ending_from(end);
        for (i, c) in self.text[start..end].char_indices().rev() {
            sum += weight(c);
            let at = start + i;
            if sum > overlap || at == start {
                break;
            }
            if c.is_whitespace() {
                continue;
            }
            let before = self.text[..at].chars().next_back();
            while block > 0 && self.blocks.get(block).is_none_or(|b| b.span.start as usize > at) {
                block -= 1;
            }
            let begins_block = self.blocks.get(block).is_some_and(|b| b.span.start as usize == at);
            if before.is_some_and(char::is_whitespace) {
                word = Some(at);
            }
            let gap = self.text[..at].trim_end().len();
            if begins_block
                || (gap > start
                    && (gap < at || before.is_some_and(|b| !b.is_ascii()))
                    && is_sentence_end(self.text, gap))
            {
                sentence = Some(at);
            }
        }
        sentence.or(word).unwrap_or(next)
    }
}

fn is_heading(block: &Block) -> bool {
    matches!(block.kind, BlockKind::Heading(_))
}

/// Test whether a character belongs to the grapheme before it.
fn extends(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::estimate_tokens;
    use super::*;
    use corpora_values::{Format, Metadata, Section, SectionSource};

    /// A document with one block a line; a line that begins with `#` is a heading. Form feeds part sections.
    fn document(text: &str) -> ParsedDocument {
        let (mut blocks, mut sections) = (Vec::new(), Vec::new());
        let mut at = 0;
        for (n, section) in text.split('\u{c}').enumerate() {
            let span = Span::new(at, at + section.len());
            sections.push(Section {
                kind: corpora_values::SectionKind::Chapter,
                number: n as u32 + 1,
                label: None,
                span,
                source: SectionSource::File,
                recognition: None,
            });
            let mut line_start = at;
            for line in section.split('\n') {
                let kind = if line.starts_with('#') { BlockKind::Heading(1) } else { BlockKind::Paragraph };
                let lead = line.len() - line.trim_start().len();
                if !line.trim().is_empty() {
                    let start = line_start + lead;
                    blocks.push(Block {
                        kind,
                        span: Span::new(start, start + line.trim().len()),
                        area: None,
                        confidence: None,
                    });
                }
                line_start += line.len() + 1;
            }
            at += section.len() + 1;
        }
        ParsedDocument {
            format: Format::Epub,
            metadata: Metadata::default(),
            text: text.to_owned(),
            sections,
            blocks,
            outline: Vec::new(),
            page_marks: Vec::new(),
            markup: corpora_values::Markup::default(),
            notes: Vec::new(),
        }
    }

    fn settings(max_tokens: u32, overlap_tokens: u32) -> ChunkSettings {
        ChunkSettings { max_tokens, overlap_tokens }
    }

    const PROSE: &str = "Mr. Fogg lived at No. 7, Savile Row. He was, e.g., never late! Was he rich? Undoubtedly so. \
        \"Nobody knew,\" said the clerk, \"how he had made his fortune.\" The house was silent. Dr. Smith called on Tuesday at 3.30 p.m. \
        and left a card, which nobody read. The fire had gone out by then; the rooms were cold. A servant came in (he was the only one). ";

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "The quick brown fox. ",
            "Jumps over",
            " ",
            "\n",
            "\n\n",
            "\u{c}",
            "# Heading\n",
            "吾輩は猫である。",
            "名前はまだ無い",
            "！",
            "في البدء كان الكلمة. ",
            "هل تعرف؟ ",
            "क्षेत्र में गया। ",
            "किताब ",
            "👩‍👩‍👧‍👦",
            "🏳️‍🌈",
            "e\u{301}",
            "안녕하세요. ",
            "42,5 ",
            "…",
            "\u{a0}",
            "supercalifragilisticexpialidocious",
            "ไม่มีช่องว่าง",
            "𠀀𠀁",
            "\"Yes.\" ",
        ]);
        prop::collection::vec(piece, 0..60).prop_map(|v| v.concat())
    }

    proptest! {
        #[test]
        fn chunks_cover_the_text_in_order_within_the_budget(text in pieces(), max in 1_u32..40, overlap in 0_u32..30) {
            let document = document(&text);
            let chunks = chunk(&document, settings(max, overlap));
            prop_assert_eq!(&chunks, &chunk(&document, settings(max, overlap)));
            prop_assert_eq!(chunks.is_empty(), text.trim().is_empty());
            let mut covered = 0;
            let mut last_start = None;
            for c in &chunks {
                let (start, end) = (c.span.start as usize, c.span.end as usize);
                prop_assert!(last_start < Some(start), "chunks begin one after another");
                prop_assert!(end > covered, "each chunk adds text");
                if start > covered {
                    prop_assert!(text[covered..start].trim().is_empty(), "gap {:?}", &text[covered..start]);
                }
                let body = c.span.of(&text);
                prop_assert_eq!(body, body.trim());
                prop_assert_eq!(c.tokens, estimate_tokens(body));
                prop_assert!(c.tokens <= max || body.chars().count() == 1, "{} > {max}: {body:?}", c.tokens);
                prop_assert_eq!(Some(c.first_section as usize), document.section_at(c.span.start));
                prop_assert_eq!(Some(c.last_section as usize), document.section_at(c.span.end - 1));
                covered = end;
                last_start = Some(start);
            }
            prop_assert!(text[covered..].trim().is_empty());
        }

        #[test]
        fn any_text_at_all_is_cut_without_panic(text in any::<String>(), max in 0_u32..20, overlap in 0_u32..20) {
            let _ = chunk(&document(&text), settings(max, overlap));
        }
    }

    fn ends_well(document: &ParsedDocument, c: &Chunk) -> bool {
        document.blocks.iter().any(|b| b.span.end == c.span.end) || is_sentence_end(&document.text, c.span.end as usize)
    }

    #[test]
    fn cuts_in_prose_fall_on_sentences() {
        let text: String = (0..40).map(|n| format!("{}\n", PROSE.repeat(1 + n % 5).trim_end())).collect();
        for (max, overlap) in [(60, 0), (200, 30), (900, 100)] {
            let document = document(&text);
            let chunks = chunk(&document, settings(max, overlap));
            let good = chunks.iter().filter(|c| ends_well(&document, c)).count();
            assert!(good * 100 >= chunks.len() * 95, "{good} of {} at {max}", chunks.len());
            let starts = chunks[1..].iter().filter(|c| {
                let before = text[..c.span.start as usize].trim_end().len();
                is_sentence_end(&text, before) || document.blocks.iter().any(|b| b.span.start == c.span.start)
            });
            assert!(starts.count() * 100 >= (chunks.len() - 1) * 95);
        }
    }

    #[test]
    fn cuts_fall_on_sentences_without_spaces_between_them() {
        for sentence in ["吾輩は猫である。", "你好吗？", "यह किताब है। ", "هل هذا كتاب؟ "]
        {
            let text = sentence.repeat(100);
            let document = document(&text);
            let chunks = chunk(&document, settings(50, 10));
            assert!(chunks.len() > 3);
            assert!(chunks.iter().all(|c| is_sentence_end(&text, c.span.end as usize)), "{sentence}");
            assert!(chunks.windows(2).all(|w| w[1].span.start < w[0].span.end), "overlap for {sentence}");
        }
    }

    #[test]
    fn a_heading_stays_with_what_follows_it() {
        let text = format!("{body}\n# One\n# Two\n{body}\n# Three\n{body}", body = PROSE.trim_end());
        let document = document(&text);
        let body = estimate_tokens(PROSE.trim_end());
        for chunk in chunk(&document, settings(body + 12, 20)) {
            let body = chunk.span.of(&text);
            assert!(!body.ends_with("One") && !body.ends_with("Two") && !body.ends_with("Three"), "{body}");
        }
        let starts: Vec<_> =
            chunk(&document, settings(body + 30, 0)).iter().map(|c| c.span.of(&text)[..5].to_owned()).collect();
        assert_eq!(starts, ["Mr. F", "# One", "# Thr"]);
    }

    #[test]
    fn a_list_of_headings_is_cut_between_them() {
        let text = "# A rather long heading of several words\n".repeat(50);
        let document = document(&text);
        assert!(chunk(&document, settings(60, 0)).iter().all(|c| ends_well(&document, c)));
    }

    #[test]
    fn overlap_repeats_whole_sentences() {
        let text = "One is here. Two is here. Three is here. Four is here. Five is here. Six is here. ".repeat(6);
        let document = document(&text);
        let chunks = chunk(&document, settings(40, 12));
        for pair in chunks.windows(2) {
            let repeated = &text[pair[1].span.start as usize..pair[0].span.end as usize];
            assert!(repeated.ends_with("here.") && estimate_tokens(repeated) <= 12, "{repeated}");
        }
    }

    #[test]
    fn a_long_line_without_spaces_takes_linear_time() {
        let text = "𠀀a\u{301}".repeat(300_000);
        let started = std::time::Instant::now();
        let chunks = chunk(&document(&text), settings(1000, 400));
        assert!(chunks.len() > 100);
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
