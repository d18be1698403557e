//! The page: its parts, which stand beside this file, put together as one document that needs nothing else.

use sha2::{Digest, Sha256};

/// Scripts, in their order: they share one scope, and only the last of them does anything by itself.
const SCRIPTS: [&str; 9] = [
    include_str!("page/dom.js"),
    include_str!("page/source.js"),
    include_str!("page/charts.js"),
    include_str!("page/shelf.js"),
    include_str!("page/terms.js"),
    include_str!("page/term.js"),
    include_str!("page/book.js"),
    include_str!("page/decide.js"),
    include_str!("page/night.js"),
];

const MAIN: &str = include_str!("page/main.js");
const STYLE: &str = include_str!("page/style.css");
const FRAME: &str = include_str!("page/page.html");

/// Place in the frame where a report has its data.
const DATA: &str = "{data}";

/// The page in two parts: what stands before its data, and what stands behind.
pub(super) struct Page {
    pub(super) before: String,
    pub(super) after: String,
    /// What a browser may load and run for it (<https://www.w3.org/TR/CSP3/>): its own script and style, known by their hashes.
    pub(super) policy: String,
}

impl Page {
    /// The page. Only one that `asks` may send requests, to where it came from.
    pub(super) fn new(asks: bool) -> Self {
        let script = format!("(() => {{\n'use strict';\n{}{MAIN}}})();\n", SCRIPTS.concat());
        let connect = if asks { "connect-src 'self'; " } else { "" };
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; {connect}base-uri 'none'; form-action 'none'",
            hash(&script),
            hash(STYLE)
        );
        let (before, after) = FRAME.split_once(DATA).expect("the frame has a place for data");
        let filled = |part: &str| {
            let part = part.replace("{csp}", &policy).replace("{version}", env!("CARGO_PKG_VERSION"));
            part.replace("{style}", STYLE).replace("{script}", &script)
        };
        Self { before: filled(before), after: filled(after), policy }
    }
}

/// SHA-256 in base64, as a policy names it.
fn hash(text: &str) -> String {
    base64(&Sha256::digest(text.as_bytes()))
}

/// RFC 4648, section 4.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |n: u32| char::from(LETTERS[n as usize & 63]);
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|n| three.get(n).copied().map_or(0, u32::from));
        let bits = a << 16 | b << 8 | c;
        text.extend([letter(bits >> 18), letter(bits >> 12)]);
        text.push(if three.len() > 1 { letter(bits >> 6) } else { '=' });
        text.push(if three.len() > 2 { letter(bits) } else { '=' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_its_rfc() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(hash(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn no_part_of_the_page_makes_markup_of_text_or_reaches_out() {
        let scripts = SCRIPTS.concat() + MAIN;
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "DOMParser",
            "http://",
            "https://",
            "import(",
        ] {
            let known = "http://www.w3.org/2000/svg";
            let text = scripts.replace(known, "");
            assert!(!text.contains(forbidden), "{forbidden}");
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !FRAME.contains("src="));
        assert!(!scripts.contains("</script") && !scripts.contains("<!--") && !STYLE.contains("</style"));
    }

    #[test]
    fn a_page_that_asks_nobody_may_not_ask() {
        assert!(!Page::new(false).policy.contains("connect-src"));
        let page = Page::new(true);
        assert!(page.policy.contains("connect-src 'self'") && page.before.contains(&page.policy));
        assert!(!page.after.contains("{script}") && !page.before.contains("{style}"));
    }
}
