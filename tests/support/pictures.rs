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
    /// A picture (`/Im`) and text (font `/F1`) as these operators paint them.
    Painted(String, Drawn),
}

/// A picture in shades of grey.
#[derive(Clone)]
pub(crate) struct Drawn {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

impl Drawn {
    /// The first page of a file, at 200 dots an inch.
    pub(crate) fn of(file: Vec<u8>) -> Self {
        let file = Pdf::new(file).unwrap();
        let scale = 200.0 / 72.0;
        let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
        let page = &file.pages()[0];
        let drawn = render(page, &RenderCache::new(), &Default::default(), &RenderSettings::default(), &settings);
        let (width, height) = (drawn.width().into(), drawn.height().into());
        Self { width, height, pixels: drawn.data().iter().map(|p| p.g).collect() }
    }

    /// Turned clockwise by quarters.
    pub(crate) fn turned(&self, quarters: u8) -> Self {
        (0..quarters).fold(self.clone(), |drawn, _| {
            let (width, height) = (drawn.height, drawn.width);
            let pixel = |at: usize| drawn.pixels[(drawn.height - 1 - at % width) * drawn.width + at / width];
            Self { width, height, pixels: (0..width * height).map(pixel).collect() }
        })
    }

    /// Laid askew, clockwise.
    pub(crate) fn askew(&self, degrees: f64) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (w, h) = (self.width as f64 / 2.0, self.height as f64 / 2.0);
        self.each(|x, y, _| {
            let (dx, dy) = (x as f64 - w, y as f64 - h);
            let (from_x, from_y) = (dx * cos + dy * sin + w, dy * cos - dx * sin + h);
            let inside = (0.0..2.0 * w - 1.0).contains(&from_x) && (0.0..2.0 * h - 1.0).contains(&from_y);
            if inside { self.pixels[from_y.round() as usize * self.width + from_x.round() as usize] } else { 255 }
        })
    }

    /// With other shades, by place and shade.
    pub(crate) fn each(&self, shade: impl Fn(usize, usize, u8) -> u8) -> Self {
        let places = self.pixels.iter().enumerate();
        let pixels = places.map(|(at, p)| shade(at % self.width, at / self.width, *p)).collect();
        Self { pixels, ..*self }
    }
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
            Page::Painted(content, _) => {
                (format!("/Font << /F1 3 0 R >> /XObject << /Im {} 0 R >>", number + 2), content.clone())
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
        let drawn = match page {
            Page::Text(_) => None,
            Page::Scan(lines) => Some(Drawn::of(pdf(&[lines]))),
            Page::Painted(_, drawn) => Some(drawn.clone()),
        };
        if let Some(Drawn { width, height, pixels }) = drawn {
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
