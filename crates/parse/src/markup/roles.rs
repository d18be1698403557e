//! Roles of elements for the walker.

use super::elements::Tag;

/// Role of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Inline,
    Block,
    Paragraph,
    Heading(u8),
    Item,
    /// A term of a list of definitions.
    Term,
    /// What such a term means.
    Definition,
    Table,
    Row,
    Cell,
    Caption,
    Pre,
    Head,
    Skip,
    Title,
    Break,
    Image,
    Svg,
    Math,
    MathToken,
    Note,
    PageBreak,
}

/// Place of an element, as far as it decides the element's role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) in_svg: bool,
    pub(super) in_math: bool,
    /// Among notes, where list items are notes.
    pub(super) in_notes: bool,
}

/// Role of an element at its place.
pub(super) fn role(tag: &Tag<'_>, place: Place) -> Role {
    let a = &tag.attributes;
    let hides = |style: &str| {
        let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        style.contains("display:none") || style.contains("visibility:hidden")
    };
    if a.get("hidden").is_some() || a.get("style").is_some_and(hides) {
        return Role::Skip;
    }
    if a.is_a(&["pagebreak"]) || tag.name == "pagenum" {
        return Role::PageBreak;
    }
    if place.in_svg {
        return match tag.name {
            "text" | "foreignobject" => Role::Block,
            "title" | "desc" | "metadata" | "defs" | "script" | "style" => Role::Skip,
            _ => html_role(tag.name),
        };
    }
    if place.in_math {
        return match tag.name {
            "mi" | "mn" | "mtext" | "ms" | "mtd" => Role::MathToken,
            "annotation" | "annotation-xml" => Role::Skip,
            _ => Role::Inline,
        };
    }
    if a.is_a(&["footnote", "endnote", "rearnote", "note"])
        || a.has_word("class", &["footnote", "endnote"]) && !is_inline(tag.name)
        || place.in_notes && tag.name == "li"
        || tag.name == "note"
    {
        return Role::Note;
    }
    if a.has_word("role", &["heading"])
        && let Some(level) = a.get("aria-level").and_then(|l| l.trim().parse().ok())
    {
        return Role::Heading(level);
    }
    html_role(tag.name)
}

fn html_role(name: &str) -> Role {
    match name {
        "h1" | "doctitle" => Role::Heading(1),
        "h2" => Role::Heading(2),
        "h3" => Role::Heading(3),
        "h4" => Role::Heading(4),
        "h5" => Role::Heading(5),
        "h6" => Role::Heading(6),
        "p" => Role::Paragraph,
        "li" => Role::Item,
        "dt" => Role::Term,
        "dd" => Role::Definition,
        "table" => Role::Table,
        "tr" => Role::Row,
        "td" | "th" => Role::Cell,
        "figcaption" | "caption" => Role::Caption,
        "pre" | "listing" | "xmp" | "plaintext" => Role::Pre,
        "head" => Role::Head,
        "title" => Role::Title,
        "script" | "style" | "rt" | "rp" | "rtc" | "template" | "datalist" | "case" => Role::Skip,
        "br" => Role::Break,
        "img" | "image" => Role::Image,
        "svg" => Role::Svg,
        "math" => Role::Math,
        name if is_inline(name) => Role::Inline,
        "address" | "article" | "aside" | "blockquote" | "body" | "center" | "details" | "dialog" | "dir" | "div" | "dl"
        | "fieldset" | "figure" | "footer" | "form" | "header" | "hgroup" | "hr" | "html" | "legend" | "main" | "menu"
        | "nav" | "ol" | "optgroup" | "option" | "search" | "section" | "select" | "summary" | "tbody" | "tfoot" | "thead"
        | "ul" | "frameset" | "noframes" | "noscript" | "object" | "video" | "audio" | "iframe" | "textarea"
        // DTBook, which EPUB 2 allows: https://idpf.org/epub/20/spec/OPS_2.0_latest.htm#Section2.3
        | "book" | "frontmatter" | "bodymatter" | "rearmatter" | "level" | "level1" | "level2" | "level3" | "level4"
        | "level5" | "level6" | "list" | "linegroup" | "line" | "poem" | "sidebar" | "prodnote" | "imggroup" | "docauthor"
        | "bridgehead" | "hd" => Role::Block,
        _ => Role::Inline,
    }
}

pub(super) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "acronym"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "button"
            | "cite"
            | "code"
            | "data"
            | "del"
            | "dfn"
            | "em"
            | "font"
            | "i"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "nobr"
            | "q"
            | "ruby"
            | "rb"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
    )
}

/// FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>. It stands for a name on the stack.
pub(super) const fn hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
