//! Running heads, running feet and page numbers: what stands at the same place on page after page.

use rustc_hash::FxHashMap;

use super::lines::PageBlock;

/// Place of a block on a page, and its text with the numbers masked.
type Key = (bool, i32, String);

/// Blocks this near to the upper or lower end of a page's text are looked at.
const DEEP: usize = 3;

/// Pages up to which repetition tells nothing, as of what is printed on its own out of a longer work.
const FEW_PAGES: usize = 2;

/// Of a sheet's height, in hundredths, how far in from its upper or lower edge furniture stands.
const EDGE: i32 = 12;

/// How much larger than most of the text it may be.
const LARGEST: f32 = 1.2;

/// Blocks of the text that a page has at least for what stands at its edges to be told from it.
const LEAST_TEXT: usize = 4;

/// Longer texts are no running heads.
const LONGEST: usize = 120;

/// Marks lines at the edges of a page that its place, its size and the white around it tell from the text: no larger than most of the
/// text, apart from it by more than its lines are from each other, and no sentence of it.
fn mark_edges(blocks: &[PageBlock], flags: &mut [bool], (width, height): (i32, i32)) {
    let mut sizes: Vec<(f32, usize)> = blocks.iter().map(|block| (block.size, block.text.len())).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = sizes.iter().map(|(_, length)| length).sum::<usize>() / 2;
    let mut seen = 0;
    let body = sizes.iter().find(|(_, length)| {
        seen += length;
        seen > half
    });
    let Some((body, _)) = body.copied() else { return };
    let edge = height / 100 * EDGE;
    let is_short = |block: &PageBlock| {
        let text = block.text.trim();
        block.lines <= 2 && text.len() <= LONGEST && block.size <= LARGEST * body && !is_sentence(text)
    };
    let is_at_edge = |block: &PageBlock| block.area.bottom <= edge || block.area.top >= height - edge;
    // A line that runs up or down along the edge.
    let is_beside = |block: &PageBlock| {
        let area = block.area;
        area.bottom - area.top > 6 * (area.right - area.left).max(1)
            && (area.right <= width / 100 * EDGE || area.left >= width - width / 100 * EDGE)
    };
    // A page number stands by itself, wherever the text of the page ends.
    let is_number = |block: &PageBlock| is_page_number(&masked(&block.text));
    // What its author tagged as text is text.
    let may_be = |block: &PageBlock| {
        block.tag.is_none() && (is_beside(block) || is_number(block) || (is_short(block) && is_at_edge(block)))
    };
    let text: Vec<&PageBlock> = blocks.iter().filter(|block| !may_be(block)).collect();
    if text.len() < LEAST_TEXT {
        return;
    }
    let (top, bottom) = (text.iter().map(|b| b.area.top).min(), text.iter().map(|b| b.area.bottom).max());
    let (Some(top), Some(bottom)) = (top, bottom) else { return };
    let gap = (body * 9.0) as i32;
    for (block, flag) in blocks.iter().zip(flags) {
        let is_apart = block.area.bottom + gap <= top || block.area.top >= bottom + gap;
        *flag |= may_be(block) && (is_beside(block) || is_apart);
    }
}

/// Test whether a text is a sentence: it has words enough and ends as one.
fn is_sentence(text: &str) -> bool {
    text.ends_with(['.', '!', '?', ':'])
        && text.split_whitespace().filter(|word| word.chars().all(char::is_lowercase)).count() >= 4
}

/// Marks the blocks of all pages that are furniture: for each page, a flag for each block. `sheets` are their widths and
/// heights, in tenths of points.
pub(super) fn find(pages: &[Vec<PageBlock>], sheets: &[(i32, i32)]) -> Vec<Vec<bool>> {
    let mut flags: Vec<Vec<bool>> =
        pages.iter().map(|blocks| blocks.iter().map(|block| block.artifact).collect()).collect();
    let mut seen: FxHashMap<Key, Vec<(usize, usize)>> = FxHashMap::default();
    for (number, blocks) in pages.iter().enumerate() {
        for (index, upper) in ends(blocks) {
            let block = &blocks[index];
            if block.lines > 3 || block.text.len() > 200 {
                continue;
            }
            let masked = masked(&block.text);
            // A table's figures stand at the same places too.
            if masked.matches('#').count() > 2 && !masked.contains(char::is_alphabetic) {
                continue;
            }
            // A band of 12 points: a line does not jump, but it may move a little.
            let middle = (block.area.top + block.area.bottom) / 240;
            for band in [middle, middle + 1] {
                seen.entry((upper, band, masked.clone())).or_default().push((number, index));
            }
        }
    }
    for ((_, _, text), places) in seen {
        let mut on: Vec<usize> = places.iter().map(|&(page, _)| page).collect();
        on.dedup();
        let number = is_page_number(&text);
        // A number before words is one of the page, or the mark of a note that looks like others.
        let must_count = number || (text.starts_with('#') && text.contains(char::is_alphabetic));
        let enough = if number { 2 } else { 3 };
        // What repeats stands on pages near each other: on all, or on every other one.
        let near = on.windows(2).filter(|w| w[1] - w[0] <= 2).count() + 1;
        if on.len() < enough || near < enough {
            continue;
        }
        // A number must count pages to be theirs.
        let share = counting_share(pages, &places);
        if must_count && share < if number { 0.5 } else { 0.8 } {
            continue;
        }
        for (page, index) in places {
            flags[page][index] = true;
        }
    }
    if pages.len() <= FEW_PAGES {
        for ((blocks, flags), sheet) in pages.iter().zip(&mut flags).zip(sheets) {
            mark_edges(blocks, flags, *sheet);
        }
    }
    // Where nothing else stands on any page, it is the text.
    if flags.iter().flatten().all(|is_furniture| *is_furniture) {
        return pages.iter().map(|blocks| blocks.iter().map(|block| block.artifact).collect()).collect();
    }
    flags
}

/// The blocks at the upper and lower end of a page's text, with whether it is the upper.
fn ends(blocks: &[PageBlock]) -> Vec<(usize, bool)> {
    let mut by_height: Vec<usize> = (0..blocks.len()).collect();
    by_height.sort_by_key(|&i| (blocks[i].area.top, blocks[i].area.left));
    let mut ends: Vec<(usize, bool)> = by_height.iter().take(DEEP).map(|&i| (i, true)).collect();
    by_height.sort_by_key(|&i| std::cmp::Reverse(blocks[i].area.bottom));
    ends.extend(by_height.iter().take(DEEP).map(|&i| (i, false)));
    ends
}

/// Lower case, each number as `#`, white space as single spaces.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_digit() {
            if !out.ends_with('#') {
                out.push('#');
            }
        } else if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    let trimmed = out.trim();
    if is_roman(trimmed) { "#".to_owned() } else { trimmed.to_owned() }
}

fn is_roman(text: &str) -> bool {
    !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| matches!(b, b'i' | b'v' | b'x' | b'l'))
}

/// `#`, `- # -`, `page # of #` and the like.
fn is_page_number(masked: &str) -> bool {
    let letters: String = masked.chars().filter(|c| c.is_alphabetic()).collect();
    masked.contains('#')
        && matches!(letters.as_str(), "" | "page" | "pageof" | "of" | "p" | "seite" | "seitevon" | "página" | "pagina")
}

/// Share of the steps from page to page on which the number grows as the pages do.
fn counting_share(pages: &[Vec<PageBlock>], places: &[(usize, usize)]) -> f32 {
    let value = |&(page, index): &(usize, usize)| {
        let text = &pages[page][index].text;
        let digits: String =
            text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        digits.parse::<i64>().ok().map(|n| n - page as i64)
    };
    let offsets: Vec<Option<i64>> = places.iter().map(value).collect();
    let same = offsets.windows(2).filter(|w| w[0] == w[1]).count();
    same as f32 / offsets.len().saturating_sub(1).max(1) as f32
}
