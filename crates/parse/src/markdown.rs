//! Markdown (CommonMark with tables and footnotes): <https://spec.commonmark.org/0.31.2/>.

use pulldown_cmark::{CodeBlockKind, Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::build::Builder;
use super::flow::Flow;
use super::formats::Reader;
use super::markup::{Decoded, Meaning, PageLabels, Walker, read_html};
use corpora_values::{BlockKind, Format, MarkKind, Metadata, ParsedDocument, SectionKind};

/// Markdown: text that shows it.
pub(crate) const READER: Reader = Reader::Text { looks: is_markdown, read: parse };

fn parse(decoded: Decoded<'_>) -> ParsedDocument {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = BlockReader::default();
    for event in Parser::new_ext(&decoded.text, options) {
        reader.take(event);
    }
    reader.flush();
    let mut builder = Builder::new(SectionKind::Chapter);
    builder.notes.extend(decoded.note);
    reader.flow.into_sections(&mut builder);
    builder.finish(Format::Markdown, reader.metadata)
}

/// Test whether a text shows that it is Markdown: by a heading with number signs, a fence, a link, the rule of a table, or a
/// heading that is underlined. Lines of comments, as scripts and settings have them, are no headings.
fn is_markdown(text: &str) -> bool {
    let mut before: [&str; 2] = ["", ""];
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().copied().unwrap_or_default();
        let indent = line.len() - line.trim_start_matches(' ').len();
        let bare = line.trim();
        let is_number_sign = |line: &str| line.trim_start().starts_with('#');
        let hashes = bare.len() - bare.trim_start_matches('#').len();
        let is_heading = (1..=6).contains(&hashes)
            && bare[hashes..].starts_with(' ')
            && !is_number_sign(before[1])
            && (!is_number_sign(next) || next.trim_start().starts_with("##"));
        let is_fence = bare.starts_with("```") || bare.starts_with("~~~");
        let is_rule = bare.contains('|')
            && bare.contains("--")
            && before[1].contains('|')
            && bare.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '));
        let is_underline = bare.len() >= 3
            && (bare.bytes().all(|b| b == b'=') || bare.bytes().all(|b| b == b'-'))
            && before[0].trim().is_empty()
            && before[1].trim().chars().any(char::is_alphanumeric);
        let is_link = bare.find("](").is_some_and(|at| bare[..at].contains('[') && bare[at..].contains(')'));
        if indent <= 3 && (is_heading || is_fence || is_rule || is_underline || is_link) {
            return true;
        }
        before = [before[1], line];
    }
    false
}

#[derive(Default)]
struct BlockReader {
    flow: Flow,
    text: String,
    /// Marked runs of the text, and where those that are open began.
    marks: Vec<(Meaning, std::ops::Range<usize>)>,
    open: Vec<usize>,
    /// Kinds of the open blocks that have one, innermost last.
    kinds: Vec<BlockKind>,
    metadata: Metadata,
    /// Part that is left out or set apart while it is open.
    aside: Aside,
    html: String,
    /// Cells so far in the open row.
    cells: u32,
    /// Open pictures: their alternative texts are not printed.
    pictures: u32,
}

#[derive(Default, PartialEq, Eq)]
enum Aside {
    #[default]
    None,
    Metadata,
    Code,
}

impl BlockReader {
    fn flush(&mut self) {
        let kind = self.kinds.last().copied().unwrap_or(BlockKind::Paragraph);
        self.flow.push_marked(kind, &self.text, self.marks.drain(..));
        self.text.clear();
        self.open.clear();
    }

    /// Marks the text from a place on.
    fn mark(&mut self, kind: MarkKind, from: usize) {
        self.marks.push((Meaning::Kind(kind), from..self.text.len()));
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.aside == Aside::Metadata => self.read_metadata(&text),
            Event::Text(text) if self.aside == Aside::Code => {
                for line in text.lines() {
                    self.text.push_str(&line.replace('\t', " "));
                    self.kinds.push(BlockKind::Code);
                    self.flush();
                    self.kinds.pop();
                }
            }
            Event::Text(text) => self.push(&text),
            Event::Code(text) => {
                let from = self.text.len();
                self.push(&text);
                self.mark(MarkKind::Code, from);
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => self.push(&text),
            Event::Html(html) => self.html.push_str(&html),
            Event::InlineHtml(html) => self.inline_html(&html),
            Event::SoftBreak | Event::HardBreak => self.push(" "),
            Event::Rule => self.flush(),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
    }

    fn push(&mut self, text: &str) {
        if self.pictures == 0 {
            self.text.push_str(&text.replace('\t', " "));
        }
    }

    /// Tags are not printed; what only looks like one is.
    fn inline_html(&mut self, html: &str) {
        let name: String =
            html.trim_start_matches(['<', '/']).chars().take_while(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "br" => self.push(" "),
            _ if html.starts_with("<!--") || is_html_name(&name) => {}
            _ => self.push(html),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => {}
            Tag::Heading { level, .. } => {
                self.flush();
                self.kinds.push(BlockKind::Heading(*level as u8));
            }
            Tag::BlockQuote(_) | Tag::List(_) | Tag::Table(_) => self.flush(),
            Tag::Item => {
                self.flush();
                self.kinds.push(BlockKind::ListItem);
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.flush();
                self.aside = Aside::Code;
            }
            Tag::FootnoteDefinition(_) => {
                self.flush();
                self.kinds.push(BlockKind::Footnote);
            }
            Tag::TableHead | Tag::TableRow => {
                self.flush();
                self.cells = 0;
                self.kinds.push(BlockKind::TableRow);
            }
            Tag::TableCell => {
                if self.cells > 0 {
                    self.text.push('\t');
                }
                self.cells += 1;
            }
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle | MetadataBlockKind::PlusesStyle) => {
                self.aside = Aside::Metadata;
            }
            Tag::Image { .. } => self.pictures += 1,
            Tag::Strong | Tag::Emphasis => self.open.push(self.text.len()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::BlockQuote(_) | TagEnd::List(_) => self.flush(),
            TagEnd::Heading(_) | TagEnd::Item | TagEnd::FootnoteDefinition | TagEnd::TableHead | TagEnd::TableRow => {
                self.flush();
                self.kinds.pop();
            }
            TagEnd::HtmlBlock => {
                let labels = PageLabels::default();
                let html = std::mem::take(&mut self.html);
                self.flow.append(read_html(&html, Walker::new(&labels, true)).finish());
            }
            TagEnd::CodeBlock | TagEnd::MetadataBlock(_) => self.aside = Aside::None,
            TagEnd::Image => self.pictures = self.pictures.saturating_sub(1),
            TagEnd::Strong | TagEnd::Emphasis => {
                if let Some(from) = self.open.pop() {
                    self.mark(if tag == TagEnd::Strong { MarkKind::Bold } else { MarkKind::Italic }, from);
                }
            }
            _ => {}
        }
    }

    /// `title`, `author` and `lang` of a YAML block, where they stand on one line.
    fn read_metadata(&mut self, text: &str) {
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim().trim_matches(['"', '\'']).trim();
            let field = match key {
                "title" => &mut self.metadata.title,
                "author" => &mut self.metadata.author,
                "lang" | "language" => &mut self.metadata.language,
                _ => continue,
            };
            if !value.is_empty() {
                field.get_or_insert_with(|| value.to_owned());
            }
        }
    }
}

fn is_html_name(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "cite"
            | "code"
            | "data"
            | "del"
            | "dfn"
            | "div"
            | "em"
            | "font"
            | "i"
            | "img"
            | "ins"
            | "kbd"
            | "mark"
            | "p"
            | "q"
            | "rp"
            | "rt"
            | "ruby"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "svg"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "table"
            | "tr"
            | "td"
            | "th"
            | "ul"
            | "ol"
            | "li"
            | "details"
            | "summary"
            | "center"
            | "hr"
            | "input"
            | "label"
            | "button"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_itself_and_plain_text_and_comments_do_not() {
        for text in [
            "# The salt road\n\ntext",
            "Title\n=====\n\ntext",
            "see [the abbey](abbey.html)",
            "```\ncode\n```",
            "a | b\n--|--\n1 | 2",
            "# One\n## Two\n",
        ] {
            assert!(is_markdown(text), "{text}");
        }
        for text in [
            "The ember wyrm guards the abbey.\n\nNobody knows why.",
            "# a comment\n# that goes on\nkey = value\n",
            "#hashtag and #another",
            "1. one\n2. two\n\n* star",
            "a - b -- c\nand more\n--- \n",
            "    # in a listing",
        ] {
            assert!(!is_markdown(text), "{text}");
        }
    }
}
