//! Elements and text as the readers of markup tell them, whatever the syntax.

/// Receives markup as it is read.
pub(crate) trait Sink {
    /// An element begins. `is_empty`: it ends at once, and [`Sink::end`] is not called for it.
    fn start(&mut self, tag: &Tag<'_>, is_empty: bool);
    /// An element ends. In lenient reading it may never have begun.
    fn end(&mut self, name: &str);
    /// Text, with its references resolved.
    fn text(&mut self, text: &str);
    /// Test whether the innermost open element is SVG or MathML, where HTML allows CDATA sections.
    fn is_foreign(&self) -> bool {
        false
    }
}

/// A start tag.
pub(crate) struct Tag<'a> {
    /// Local name, in lower case.
    pub(crate) name: &'a str,
    /// The attributes that mean something to some sink.
    pub(crate) attributes: Attributes,
}

/// Attributes by local name in lower case. `type` is kept only where it has a prefix (`epub:type`, `w:type`): HTML's own
/// means nothing here.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<(&'static str, String)>);

/// The attributes that are kept.
const KNOWN: [&str; 39] = [
    "id",
    "name",
    "hidden",
    "style",
    "type",
    "role",
    "class",
    "title",
    "aria-label",
    "aria-level",
    "alt",
    "alttext",
    "href",
    "src",
    "x",
    "y",
    "dy",
    "dx",
    "lang",
    "content",
    "open",
    "full-path",
    "media-type",
    "properties",
    "fallback",
    "idref",
    "linear",
    "toc",
    "playorder",
    "property",
    "refines",
    "uri",
    "algorithm",
    "value",
    "version",
    "val",
    "styleid",
    "rowspan",
    "colspan",
];

impl Attributes {
    /// The kept form of an attribute's qualified name.
    pub(super) fn known(qualified: &str) -> Option<&'static str> {
        let local = match qualified.rsplit_once(':') {
            Some((_, local)) => local,
            None if qualified.eq_ignore_ascii_case("type") => return None,
            None => qualified,
        };
        KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(local))
    }

    /// Adds an attribute; the first of a name counts.
    pub(super) fn add(&mut self, name: &'static str, value: String) {
        self.0.push((name, value));
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute, if it is not blank.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Test whether a list of words holds one of these.
    pub(crate) fn has_word(&self, name: &str, words: &[&str]) -> bool {
        self.get(name).is_some_and(|value| value.split_ascii_whitespace().any(|w| words.contains(&w)))
    }

    /// Test whether the structural semantics of EPUB (`epub:type`) or of DPUB-ARIA (`role="doc-..."`) name one of
    /// these. <https://www.w3.org/TR/epub-ssv-11/>, <https://www.w3.org/TR/dpub-aria-1.1/>.
    pub(crate) fn is_a(&self, types: &[&str]) -> bool {
        self.has_word("type", types)
            || self.get("role").is_some_and(|roles| {
                roles.split_ascii_whitespace().any(|r| r.strip_prefix("doc-").is_some_and(|r| types.contains(&r)))
            })
    }
}
