//! Pages that are pictures: text drawn, and the drawing put into a file in its stead.

use std::io::Write;
use std::path::{Path, PathBuf};

use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use super::documents::{pdf, with_xref};

/// A page of a made document.
pub(crate) enum Page {
    /// Text that the file holds.
    Text(Vec<String>),
    /// Its picture alone.
    Scan(Vec<String>),
}

/// Width, height and shades of grey of a page with these lines, at 200 dots an inch.
fn draw(lines: &[String]) -> (u16, u16, Vec<u8>) {
    let file = Pdf::new(pdf(&[lines])).unwrap();
    let scale = 200.0 / 72.0;
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let page = &file.pages()[0];
    let drawn = render(page, &RenderCache::new(), &Default::default(), &RenderSettings::default(), &settings);
    (drawn.width(), drawn.height(), drawn.data().iter().map(|p| p.g).collect())
}

/// A stream object with these entries, compressed.
pub(crate) fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let packed = deflate(data);
    let mut object = format!("<< {entries} /Filter /FlateDecode /Length {} >>\nstream\n", packed.len()).into_bytes();
    object.extend_from_slice(&packed);
    object.extend_from_slice(b"\nendstream");
    object
}

pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(data).unwrap();
    packed.finish().unwrap()
}

/// A PDF of these pages.
pub(crate) fn document(pages: &[Page]) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        Vec::new(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    let mut kids = String::new();
    for page in pages {
        let number = objects.len() + 1;
        kids.push_str(&format!("{number} 0 R "));
        let (resources, content) = match page {
            Page::Text(lines) => {
                let mut content = String::from("BT /F1 11 Tf 14 TL 72 720 Td\n");
                lines.iter().for_each(|line| content.push_str(&format!("({line}) Tj T*\n")));
                ("/Font << /F1 3 0 R >>".to_owned(), content + "ET")
            }
            Page::Scan(_) => {
                (format!("/XObject << /Im {} 0 R >>", number + 2), "q 612 0 0 792 0 0 cm /Im Do Q".to_owned())
            }
        };
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R /Resources << {resources} >> >>",
                number + 1
            )
            .into_bytes(),
        );
        objects.push(stream("", content.as_bytes()));
        if let Page::Scan(lines) = page {
            let (width, height, pixels) = draw(lines);
            objects.push(stream(
                &format!("/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray /BitsPerComponent 8"),
                &pixels,
            ));
        }
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()).into_bytes();
    with_xref(&objects)
}

/// A program that stands in for Tesseract: it lists `eng` and does what the script says about a page.
pub(crate) fn stand_in(folder: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join("tesseract");
    let text =
        format!("#!/bin/sh\nif [ \"$1\" = --list-langs ]; then echo 'List (1):'; echo eng; exit; fi\n{script}\n");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file
}
