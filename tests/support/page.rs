//! Composes PDF pages glyph by glyph, so that a test knows where everything stands and in which order it was painted.

use std::fmt::Write as _;

/// A font of a composed page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Font {
    /// Helvetica, for text of ASCII letters.
    Plain,
    /// Helvetica-Bold.
    Bold,
    /// Times-Roman.
    Serif,
    /// Courier.
    Fixed,
    /// Any character of the basic plane, each half the size wide, with a ToUnicode map.
    Narrow,
    /// Any character of the basic plane, each as wide as the size.
    Wide,
    /// The same, written from top to bottom.
    Vertical,
}

impl Font {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "F1",
            Self::Bold => "F2",
            Self::Serif => "F3",
            Self::Fixed => "F7",
            Self::Narrow => "F4",
            Self::Wide => "F5",
            Self::Vertical => "F6",
        }
    }

    fn string(self, text: &str) -> String {
        match self {
            Self::Plain | Self::Bold | Self::Serif | Self::Fixed => {
                let mut out = String::from("(");
                for c in text.chars() {
                    match c {
                        '(' | ')' | '\\' => out.extend(['\\', c]),
                        // WinAnsiEncoding has it where Latin-1 has no character.
                        '\u{2022}' => out.push_str("\\225"),
                        c if c.is_ascii() => out.push(c),
                        c => write!(out, "\\{:03o}", u32::from(c)).unwrap(),
                    }
                }
                out + ")"
            }
            _ => {
                let mut out = String::from("<");
                for unit in text.encode_utf16() {
                    write!(out, "{unit:04x}").unwrap();
                }
                out + ">"
            }
        }
    }
}

/// A page of 612 by 792 points. `y` is the baseline, counted from the upper edge.
#[derive(Default)]
pub(crate) struct Page {
    content: String,
}

impl Page {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Paints a line of text.
    pub(crate) fn text(mut self, x: f64, y: f64, size: f64, font: Font, text: &str) -> Self {
        let y = 792.0 - y;
        writeln!(self.content, "BT /{} {size} Tf 1 0 0 1 {x} {y} Tm {} Tj ET", font.name(), font.string(text)).unwrap();
        self
    }

    /// Paints lines below each other, `leading` points apart.
    pub(crate) fn lines(mut self, x: f64, y: f64, size: f64, leading: f64, font: Font, lines: &[&str]) -> Self {
        for (n, line) in lines.iter().enumerate() {
            self = self.text(x, y + leading * n as f64, size, font, line);
        }
        self
    }

    /// Paints text that runs upwards.
    pub(crate) fn upwards(mut self, x: f64, y: f64, size: f64, font: Font, text: &str) -> Self {
        let y = 792.0 - y;
        writeln!(self.content, "BT /{} {size} Tf 0 1 -1 0 {x} {y} Tm {} Tj ET", font.name(), font.string(text))
            .unwrap();
        self
    }

    /// Paints a line with that much more space between its words and its letters, in points.
    pub(crate) fn spaced(
        self,
        at: (f64, f64),
        size: f64,
        font: Font,
        (words, letters): (f64, f64),
        text: &str,
    ) -> Self {
        let spaced = self.raw(&format!("{words} Tw {letters} Tc"));
        spaced.text(at.0, at.1, size, font, text).raw("0 Tw 0 Tc")
    }

    /// Paints with raw operators.
    pub(crate) fn raw(mut self, operators: &str) -> Self {
        self.content.push_str(operators);
        self.content.push('\n');
        self
    }
}

/// A PDF of composed pages.
pub(crate) fn pdf(pages: &[Page]) -> Vec<u8> {
    let simple = |name: &str| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>").into_bytes()
    };
    let composite = |map: &str, width: u32| {
        format!("<< /Type /Font /Subtype /Type0 /BaseFont /Unnamed /Encoding /Identity-{map} /ToUnicode 12 0 R /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Unnamed /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW {width} /DW2 [880 -1000] /FontDescriptor << /Type /FontDescriptor /FontName /Unnamed /Flags 4 >> >>] >>").into_bytes()
    };
    let to_unicode = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0000> <ffff> <0000> endbfrange endcmap end end";
    // A range may not cross the last byte: one range for each first byte.
    let mut ranges = String::new();
    for hundred in (0..256).collect::<Vec<u32>>().chunks(100) {
        writeln!(ranges, "{} beginbfrange", hundred.len()).unwrap();
        for high in hundred {
            writeln!(ranges, "<{high:02x}00> <{high:02x}ff> <{high:02x}00>").unwrap();
        }
        ranges.push_str("endbfrange\n");
    }
    let to_unicode = to_unicode.replace("1 beginbfrange <0000> <ffff> <0000> endbfrange", &ranges);
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 13 + 2 * n)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()).into_bytes(),
        b"<< /Font << /F1 4 0 R /F2 5 0 R /F3 6 0 R /F4 7 0 R /F5 8 0 R /F6 9 0 R /F7 10 0 R >> >>".to_vec(),
        simple("Helvetica"),
        simple("Helvetica-Bold"),
        simple("Times-Roman"),
        composite("H", 500),
        composite("H", 1000),
        composite("V", 1000),
        simple("Courier"),
        b"null".to_vec(),
        format!("<< /Length {} >>\nstream\n{to_unicode}\nendstream", to_unicode.len()).into_bytes(),
    ];
    for (n, page) in pages.iter().enumerate() {
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R /Resources 3 0 R >>",
                14 + 2 * n
            )
            .into_bytes(),
        );
        objects.push(format!("<< /Length {} >>\nstream\n{}endstream", page.content.len(), page.content).into_bytes());
    }
    super::documents::with_xref(&objects)
}
