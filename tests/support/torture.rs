//! Files made to break parsers: small to make, endless, bottomless or huge to read.

use super::documents::{pdf, story, with_xref};
use super::pictures::{deflate, stream};

const CATALOG: &[u8] = b"<< /Type /Catalog /Pages 2 0 R >>";
const PAGES: &[u8] = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>";

/// A document of one page with these resources and this content; more objects follow from number 5 on.
fn one_page(resources: &str, content: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let page =
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << {resources} >> >>");
    let mut objects = vec![CATALOG.to_vec(), PAGES.to_vec(), page.into_bytes(), stream("", content)];
    objects.extend_from_slice(more);
    with_xref(&objects)
}

fn form(resources: &str, content: &str) -> Vec<u8> {
    let entries = format!("/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << {resources} >>");
    stream(&entries, content.as_bytes())
}

/// Forms that each paint the next ten times, 25 deep, and the last `work` boxes: more painting than anybody lives to see.
pub(crate) fn endless(work: usize) -> Vec<u8> {
    let depth = 25;
    let mut forms: Vec<Vec<u8>> =
        (0..depth).map(|n| form(&format!("/XObject << /F {} 0 R >>", 6 + n), &"/F Do ".repeat(10))).collect();
    forms.push(form("", &"0 0 1 1 re f ".repeat(work)));
    one_page("/XObject << /F 5 0 R >>", b"/F Do", &forms)
}

/// A page of this many rows of text.
pub(crate) fn rows(count: usize) -> Vec<u8> {
    let font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec();
    let mut content = String::from("BT /F1 8 Tf 8 TL 20 780 Td\n");
    (0..count).for_each(|n| content.push_str(&format!("(row {n}) Tj T*\n")));
    content.push_str("ET");
    one_page("/Font << /F1 5 0 R >>", content.as_bytes(), &[font])
}

/// Nothing but zeros, deflated `times` over.
fn bomb(megabytes: usize, times: usize) -> Vec<u8> {
    let mut packed = deflate(&vec![0; megabytes << 20]);
    for _ in 1..times {
        packed = deflate(&packed);
    }
    let filters = "/FlateDecode ".repeat(times);
    let mut object = format!("<< /Filter [{filters}] /Length {} >>\nstream\n", packed.len()).into_bytes();
    object.extend_from_slice(&packed);
    object.extend_from_slice(b"\nendstream");
    with_xref(&[
        CATALOG.to_vec(),
        PAGES.to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>".to_vec(),
        object,
    ])
}

fn replaced(from: &[u8], old: &str, new: &str) -> Vec<u8> {
    let at = from.windows(old.len()).rposition(|w| w == old.as_bytes()).unwrap();
    [&from[..at], new.as_bytes(), &from[at + old.len()..]].concat()
}

/// Every kind, by name.
pub(crate) fn set() -> Vec<(&'static str, Vec<u8>)> {
    let sound = pdf(&[&story(1), &story(2)]);
    let nested = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let with_catalog = |entry: &str| {
        let catalog = format!("<< /Type /Catalog /Pages 2 0 R {entry} >>").into_bytes();
        with_xref(&[catalog, PAGES.to_vec(), b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>".to_vec()])
    };
    let tree =
        |pages: &str, page: &str| with_xref(&[CATALOG.to_vec(), pages.as_bytes().to_vec(), page.as_bytes().to_vec()]);
    let leaf = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>";
    let boxed = |size: &str| tree("<< /Type /Pages /Kids [3 0 R] /Count 1 >>", &leaf.replace("0 0 612 792", size));
    let text = |content: &str| {
        let font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec();
        one_page("/Font << /F1 5 0 R >>", content.as_bytes(), &[font])
    };
    // There are no exponents in PDF.
    let ten = |power: usize| format!("1{}", "0".repeat(power));
    let chain: Vec<Vec<u8>> = (0..5000).map(|n| form(&format!("/XObject << /F {} 0 R >>", 6 + n), "/F Do")).collect();
    let image = |entries: &str, data: &[u8]| stream(&format!("/Type /XObject /Subtype /Image {entries}"), data);
    let huge_image = image("/Width 100000 /Height 100000 /ColorSpace /DeviceRGB /BitsPerComponent 8", &[0; 1000]);
    let tiling = stream(
        "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 0.0001 /YStep 0.0001 /Resources << /Pattern << /P 5 0 R >> >>",
        b"/Pattern cs /P scn 0 0 9 9 re f",
    );
    let type3 = b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /FirstChar 65 /LastChar 65 /Widths [9] \
        /Encoding << /Differences [65 /a] >> /CharProcs << /a 6 0 R >> /Resources << /Font << /F1 5 0 R >> >> >>";
    let masks = b"<< /Type /ExtGState /SMask << /S /Luminosity /G 6 0 R >> >>".to_vec();
    let xref = String::from_utf8_lossy(&sound).rfind("startxref\n").map(|at| sound[at + 10..].to_vec()).unwrap();
    let start: usize = String::from_utf8_lossy(&xref).lines().next().unwrap().parse().unwrap();
    vec![
        ("arrays", with_catalog(&format!("/Deep {}", nested("[", "]", 300_000)))),
        ("arrays-open", with_catalog(&format!("/Deep {}", "[".repeat(300_000)))),
        ("dicts", with_catalog(&format!("/Deep {}", nested("<< /A ", " >>", 200_000)))),
        ("operands", one_page("", format!("{} TJ", nested("[", "]", 500_000)).as_bytes(), &[])),
        ("operand-dicts", one_page("", format!("/T {} BDC", nested("<< /A ", " >>", 300_000)).as_bytes(), &[])),
        ("forms-deep", one_page("/XObject << /F 5 0 R >>", b"/F Do", &chain)),
        ("form-in-itself", one_page("/XObject << /F 5 0 R >>", b"/F Do", &[form("/XObject << /F 5 0 R >>", "/F Do /F Do")])),
        (
            "forms-in-each-other",
            one_page(
                "/XObject << /F 5 0 R >>",
                b"/F Do",
                &[
                    form("/XObject << /F 6 0 R >>", "/F Do /F Do"),
                    form("/XObject << /F 5 0 R >>", "/F Do /F Do"),
                ],
            ),
        ),
        ("forms-endless", endless(1)),
        ("tree-in-itself", tree("<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 /Parent 2 0 R >>", leaf)),
        ("tree-wide-in-itself", tree(&format!("<< /Type /Pages /Kids [{}] /Count 9 >>", "2 0 R ".repeat(50)), leaf)),
        ("parent-in-itself", tree("<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 2 0 R >>", "<< /Type /Page /Parent 3 0 R >>")),
        ("kids-many", tree(&format!("<< /Type /Pages /Kids [{}] /Count 9 >>", "3 0 R ".repeat(100_000)), leaf)),
        ("count-huge", tree("<< /Type /Pages /Kids [3 0 R] /Count 1000000000 >>", leaf)),
        ("count-negative", tree("<< /Type /Pages /Kids [3 0 R] /Count -9223372036854775808 >>", leaf)),
        ("xref-in-itself", replaced(&sound, "/Root 1 0 R", &format!("/Root 1 0 R /Prev {start}"))),
        ("xref-huge", replaced(&sound, "xref\n0 ", "xref\n0 99999999")),
        ("xref-stream-in-itself", replaced(&sound, "/Root 1 0 R", &format!("/Root 1 0 R /XRefStm {start}"))),
        ("start-beyond", replaced(&sound, "startxref\n", "startxref\n99999999999999999999")),
        ("object-is-itself", tree("<< /Type /Pages /Kids 3 0 R /Count 1 >>", "3 0 R")),
        ("length-of-itself", {
            let content = b"<< /Length 4 0 R >>\nstream\nBT ET\nendstream".to_vec();
            with_xref(&[CATALOG.to_vec(), PAGES.to_vec(), leaf.replace(">>", "/Contents 4 0 R >>").into_bytes(), content])
        }),
        ("object-streams-in-each-other", object_streams()),
        ("bomb", bomb(600, 1)),
        ("bomb-in-bombs", bomb(600, 4)),
        ("rows", rows(1_000_000)),
        ("truncated", sound[..sound.len() / 2].to_vec()),
        ("header-only", b"%PDF-1.7\n".to_vec()),
        ("empty", Vec::new()),
        ("rubbish", b"%PDF-1.4\n".iter().copied().chain((0..200_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8)).collect()),
        ("box-huge", boxed("0 0 1000000000000 1000000000000")),
        ("box-endless", boxed(&format!("0 0 {} -{}", ten(400), ten(400)))),
        ("box-nothing", boxed("0 0 0 0")),
        ("box-odd", boxed("nan inf -inf 1e999")),
        ("place-huge", text(&format!("BT /F1 {0} Tf {0} 0 0 {0} {0} -{0} Tm (far) Tj {1} nan Td (away) Tj 1e9 0 Td (odd) Tj ET", ten(37), ten(400)))),
        ("place-nothing", text("BT /F1 0 Tf 0 0 0 0 0 0 Tm (flat) Tj ET 0 0 0 0 0 0 cm BT /F1 9 Tf (gone) Tj ET")),
        ("scale-huge", text(&format!("{} BT /F1 9 Tf (big) Tj ET", format!("{0} 0 0 {0} 0 0 cm ", ten(30)).repeat(50)))),
        ("saves-many", text(&format!("{} BT /F1 9 Tf (deep) Tj ET", "q ".repeat(2_000_000)))),
        ("clips-many", one_page("", "0 0 600 700 re W n ".repeat(300_000).as_bytes(), &[])),
        ("dashes-many", one_page("", b"[0.0000001] 0 d 1 w 0 0 m 600 700 l S", &[])),
        ("font-in-itself", one_page("/Font << /F1 5 0 R >>", b"BT /F1 9 Tf (AAAA) Tj ET", &[b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [5 0 R] /ToUnicode 5 0 R >>".to_vec()])),
        ("glyph-in-itself", one_page("/Font << /F1 5 0 R >>", b"BT /F1 9 Tf (AAAA) Tj ET", &[type3.to_vec(), stream("", b"9 0 0 0 9 9 d1 BT /F1 9 Tf (AAAA) Tj ET")])),
        ("pattern-in-itself", one_page("/Pattern << /P 5 0 R >>", b"/Pattern cs /P scn 0 0 612 792 re f", &[tiling])),
        ("mask-in-itself", one_page("/ExtGState << /G 5 0 R >>", b"/G gs 0 0 9 9 re f", &[masks, form("/ExtGState << /G 5 0 R >>", "/G gs 0 0 9 9 re f")])),
        ("colour-in-itself", one_page("/ColorSpace << /C 5 0 R >>", b"/C cs 0 sc 0 0 9 9 re f", &[b"[/Indexed 5 0 R 255 <00>]".to_vec()])),
        ("image-huge", one_page("/XObject << /I 5 0 R >>", b"600 0 0 700 0 0 cm /I Do", &[huge_image])),
        (
            "image-on-huge-sheet",
            replaced(
                &one_page(
                    "/XObject << /I 5 0 R >>",
                    b"2000000 0 0 2000000 0 0 cm /I Do",
                    &[image("/Width 10 /Height 10 /ColorSpace /DeviceGray /BitsPerComponent 8", &[0; 100])],
                ),
                "[0 0 612 792]",
                "[0 0 2000000 2000000]",
            ),
        ),
        (
            "image-rubbish",
            one_page(
                "/XObject << /I 5 0 R >>",
                b"600 0 0 700 0 0 cm /I Do",
                &[b"<< /Type /XObject /Subtype /Image /Width 9 /Height 9 /Filter /JPXDecode /Length 9 >>\nstream\n\xff\x4f\xff\x51rubbi\nendstream".to_vec()],
            ),
        ),
        (
            "image-fax-huge",
            one_page(
                "/XObject << /I 5 0 R >>",
                b"600 0 0 700 0 0 cm /I Do",
                &[b"<< /Type /XObject /Subtype /Image /Width 65000 /Height 65000 /BitsPerComponent 1 /ColorSpace /DeviceGray /Filter /CCITTFaxDecode \
                    /DecodeParms << /K -1 /Columns 65000 /Rows 2000000000 >> /Length 4 >>\nstream\n\x80\x00\x80\x00\nendstream".to_vec()],
            ),
        ),
        ("outline-in-itself", with_catalog("/Outlines << /First 1 0 R /Last 1 0 R /Next 1 0 R >> /First 1 0 R /Next 1 0 R /Names 1 0 R /Kids [1 0 R]")),
    ]
}

/// A cross-reference stream that says of two object streams that each stands in the other.
fn object_streams() -> Vec<u8> {
    let mut out = b"%PDF-1.5\n".to_vec();
    let at = out.len();
    // Type 2: in the object stream of this number, at this index.
    let rows: [[u8; 4]; 5] = [[0, 0, 0, 0], [2, 0, 2, 0], [2, 0, 3, 0], [2, 0, 2, 0], [1, 0, at as u8, 0]];
    let table: Vec<u8> = rows.concat();
    out.extend_from_slice(
        format!("4 0 obj\n<< /Type /XRef /Size 5 /W [1 2 1] /Root 1 0 R /Length {} >>\nstream\n", table.len())
            .as_bytes(),
    );
    out.extend_from_slice(&table);
    out.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{at}\n%%EOF\n").as_bytes());
    out
}
