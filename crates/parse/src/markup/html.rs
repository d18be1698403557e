//! The lenient reader: HTML, and XML that is not well-formed.
//!
//! Only the tokenizer of html5ever is used. It never gives up, resolves references as browsers do, and needs no tree: a tree
//! costs memory for every element, and its depth is the file's to choose. What a tree would repair (tags left open, ends
//! without a start), the sink repairs.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, CharacterTokens, EndTag, NullCharacterToken, StartTag, TagToken, Token, TokenSink, TokenSinkResult,
    Tokenizer, TokenizerOpts,
};

use super::elements::{Attributes, Sink, Tag};

/// Reads HTML. A slash at the end of a start tag means nothing there.
pub(crate) fn read_html<S: Sink>(text: &str, sink: S) -> S {
    read(text, sink, false)
}

/// Reads what was meant to be XML.
pub(crate) fn read_tag_soup<S: Sink>(text: &str, sink: S) -> S {
    read(text, sink, true)
}

/// Text given to the tokenizer at a time.
const PIECE: usize = 1 << 20;

fn read<S: Sink>(text: &str, sink: S, is_xml: bool) -> S {
    let adapter = Adapter { sink: RefCell::new(sink), is_xml, foreign: Cell::new(false) };
    let tokenizer = Tokenizer::new(adapter, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        rest = after;
        queue.push_back(StrTendril::from_slice(piece));
        // It stops at indications of scripts and encodings, and goes on when fed again.
        while !queue.is_empty() {
            let _ = tokenizer.feed(&queue);
        }
    }
    tokenizer.end();
    tokenizer.sink.sink.into_inner()
}

struct Adapter<S> {
    sink: RefCell<S>,
    is_xml: bool,
    foreign: Cell<bool>,
}

impl<S: Sink> TokenSink for Adapter<S> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut sink = self.sink.borrow_mut();
        let mut next = TokenSinkResult::Continue;
        match token {
            TagToken(tag) => {
                let name = tag.name.rsplit(':').next().unwrap_or_default();
                match tag.kind {
                    StartTag => {
                        let mut attributes = Attributes::default();
                        for attribute in &tag.attrs {
                            if let Some(known) = Attributes::known(&attribute.name.local) {
                                attributes.add(known, attribute.value.to_string());
                            }
                        }
                        let is_empty = (tag.self_closing && (self.is_xml || sink.is_foreign())) || is_void(name);
                        sink.start(&Tag { name, attributes }, is_empty);
                        if !is_empty && !sink.is_foreign() {
                            next = raw_text(&tag.name, self.is_xml);
                        }
                    }
                    EndTag if !is_void(name) => sink.end(name),
                    EndTag => {}
                }
            }
            CharacterTokens(text) => sink.text(&text),
            NullCharacterToken => sink.text("\u{fffd}"),
            _ => {}
        }
        self.foreign.set(sink.is_foreign() || self.is_xml);
        next
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.foreign.get()
    }
}

/// Elements in which a tokenizer must not look for tags:
/// <https://html.spec.whatwg.org/multipage/parsing.html#parsing-html-fragments>. `qualified` keeps its prefix, so that
/// `dc:title` of a package file is none.
fn raw_text(qualified: &str, is_xml: bool) -> TokenSinkResult<()> {
    match qualified {
        "script" | "style" => TokenSinkResult::RawData(RawKind::Rawtext),
        "title" | "textarea" if !is_xml => TokenSinkResult::RawData(RawKind::Rcdata),
        "xmp" | "iframe" | "noembed" | "noframes" if !is_xml => TokenSinkResult::RawData(RawKind::Rawtext),
        _ => TokenSinkResult::Continue,
    }
}

/// Elements without content: <https://html.spec.whatwg.org/multipage/syntax.html#void-elements>. `link`, `meta`,
/// `source` and `param` have a namesake with content in other XML, but only the attributes of these matter there, and
/// text in them is read as their parent's.
fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}
