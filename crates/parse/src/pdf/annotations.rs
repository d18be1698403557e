//! Marks that lie above a page: the appearances of its annotations and of the fields of its form, and what they say where they
//! have none.

use hayro_font::kurbo::{Affine, Rect};
use hayro_syntax::object::{Array, Dict, Name, Object, Rect as PdfRect, Stream, String as PdfString};
use hayro_syntax::page::Page;

use super::content::{ContentReader, Endless, rect};
use super::fonts::Fonts;
use super::layers::Layers;
use super::painter::{Painter, Pen};
use super::structure::{entries, text_string};

/// Paints the annotations of a page, in the order in which the file lists them.
pub(super) fn paint<'a>(
    page: &Page<'a>,
    fonts: &mut Fonts<'a>,
    layers: &Layers,
    painter: &mut Painter,
) -> Result<(), Endless> {
    let mut reader = ContentReader::new(page, fonts, layers, painter);
    let annotations = page.raw().get::<Array<'a>>(b"Annots").map(|annotations| entries(&annotations, page.xref()));
    for annotation in annotations.into_iter().flatten().filter_map(Object::into_dict) {
        read(&mut reader, &annotation, page)?;
    }
    Ok(())
}

/// Reads what an annotation looks like, in its place (ISO 32000-1, 12.5.5).
fn read<'a>(reader: &mut ContentReader<'_, 'a>, annotation: &Dict<'a>, page: &Page<'a>) -> Result<(), Endless> {
    const HIDDEN: u32 = 1 << 1;
    const NO_VIEW: u32 = 1 << 5;
    if annotation.get::<u32>(b"F").unwrap_or(0) & (HIDDEN | NO_VIEW) != 0 {
        return Ok(());
    }
    let normal = annotation.get::<Dict<'a>>(b"AP").and_then(|looks| looks.get::<Object<'a>>(b"N"));
    let look = match normal {
        Some(Object::Stream(look)) => Some(look),
        Some(Object::Dict(looks)) => {
            let state = annotation.get::<Name<'_>>(b"AS");
            let of_state = state.and_then(|state| looks.get::<Stream<'a>>(state));
            of_state.or_else(|| looks.get::<Stream<'a>>(b"Off"))
        }
        _ => None,
    };
    let place = annotation.get::<PdfRect>(b"Rect");
    let Some(look) = look else {
        // Readers make the appearance themselves; its words are known.
        if let Some(text) = words(annotation) {
            match place {
                Some(place) if is_field(annotation) => write(reader, &text, place),
                _ => reader.painter.show_plain(text),
            }
        }
        return Ok(());
    };
    let bounds = look.dict().get::<[f64; 4]>(b"BBox");
    let (Some(place), Some(bounds)) = (place, bounds) else {
        return Ok(());
    };
    let own = look.dict().get::<[f64; 6]>(b"Matrix").map_or(Affine::IDENTITY, Affine::new);
    let from = own.transform_rect_bbox(rect(bounds));
    let (width, height) = ((place.x1 - place.x0) / from.width(), (place.y1 - place.y0) / from.height());
    reader.save();
    reader.state.ctm *= Affine::new([width, 0.0, 0.0, height, place.x0 - width * from.x0, place.y0 - height * from.y0]);
    let read = reader.form(&look, page.resources(), 0);
    reader.restore();
    read
}

fn is_field(annotation: &Dict<'_>) -> bool {
    annotation.get::<Name<'_>>(b"Subtype").is_some_and(|name| name.as_ref() == b"Widget")
}

/// Words of an annotation that has no appearance: those of a note that lies on the page, or the value of a field.
fn words(annotation: &Dict<'_>) -> Option<String> {
    if is_field(annotation) {
        return value(annotation);
    }
    if annotation.get::<Name<'_>>(b"Subtype")?.as_ref() != b"FreeText" {
        return None;
    }
    let plain = annotation.get::<PdfString<'_>>(b"Contents").and_then(|text| text_string(text.as_bytes()));
    plain.or_else(|| {
        let rich = annotation.get::<PdfString<'_>>(b"RC").and_then(|text| text_string(text.as_bytes()))?;
        Some(without_tags(&rich)).filter(|text| !text.is_empty())
    })
}

/// Depth to which a field's parents are followed.
const MOST_PARENTS: u32 = 16;

/// Value of a text field or of a choice (ISO 32000-1, 12.7.3.1), which a field may have from its parents.
fn value(field: &Dict<'_>) -> Option<String> {
    const PASSWORD: u32 = 1 << 13;
    let (mut kind, mut value, mut flags) = (None, None, None);
    let mut node = Some(field.clone());
    for _ in 0..MOST_PARENTS {
        let Some(own) = node else { break };
        kind = kind.or_else(|| own.get::<Name<'_>>(b"FT").map(|name| name.as_ref().to_vec()));
        flags = flags.or_else(|| own.get::<u32>(b"Ff"));
        value = value.or_else(|| own.get::<Object<'_>>(b"V"));
        node = own.get::<Dict<'_>>(b"Parent");
    }
    let is_written = matches!(kind.as_deref(), Some(b"Tx" | b"Ch")) && flags.unwrap_or(0) & PASSWORD == 0;
    if !is_written {
        return None;
    }
    match value? {
        Object::String(text) => text_string(text.as_bytes()),
        Object::Stream(text) => text_string(&text.decoded_data().ok()?),
        Object::Array(chosen) => {
            let chosen: Vec<String> =
                chosen.iter::<PdfString<'_>>().filter_map(|text| text_string(text.as_bytes())).collect();
            (!chosen.is_empty()).then(|| chosen.join(", "))
        }
        _ => None,
    }
}

/// The text of a rich text string (ISO 32000-1, 12.7.3.4), its elements parted by spaces.
fn without_tags(rich: &str) -> String {
    let mut out = String::with_capacity(rich.len());
    for piece in rich.split('<') {
        let text = piece.split_once('>').map_or(piece, |(_, text)| text);
        if !text.trim().is_empty() {
            out.push_str(text);
            out.push(' ');
        }
    }
    let resolved = quick_xml::escape::unescape(out.trim()).map(|text| text.into_owned());
    resolved.unwrap_or_else(|_| out.trim().to_owned())
}

/// Largest letters in which readers write the value of a field, in points.
const LARGEST_VALUE: f64 = 12.0;

/// Writes the value of a field where the field is: in lines from its upper edge, or in the middle if it is one line high.
fn write(reader: &mut ContentReader<'_, '_>, text: &str, place: PdfRect) {
    let place = Rect::from_points((place.x0, place.y0), (place.x1, place.y1));
    let lines: Vec<&str> = text.split(['\r', '\n']).filter(|line| !line.trim().is_empty()).collect();
    let height = place.height() / lines.len().max(1) as f64;
    let size = (0.7 * height).clamp(1.0, LARGEST_VALUE);
    for (n, line) in lines.into_iter().enumerate() {
        let baseline = place.y1 - height * (n as f64 + 0.5) - 0.3 * size;
        let to_page = reader.state.ctm * Affine::translate((place.x0 + 0.2 * size, baseline));
        if let Some(pen) = Pen::new(to_page, size, size, 1.0, false) {
            reader.painter.write(line.trim(), &pen, size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_text_is_its_words() {
        let rich = "<?xml version=\"1.0\"?><body><p>Ask the <b>keeper</b></p><p>of salt &amp; oil</p></body>";
        assert_eq!(without_tags(rich), "Ask the  keeper of salt & oil");
    }
}
