//! Content streams, as far as the text of a page needs them: where text is shown, within which clips, on which layers.
//! Colours, what pictures show and all shapes but straight rules are passed over, which is why this is several times faster than a renderer.

use std::borrow::Cow;
use std::rc::Rc;

use hayro_font::kurbo::{Affine, Point, Rect};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream, dict_or_stream};
use hayro_syntax::page::{Page, Resources};
use rustc_hash::FxHashMap;

use super::fonts::{Face, Fonts, PageFont};
use super::layers::Layers;
use super::operations::{Operations, Shown};
use super::operators::Operator as Op;
use super::painter::{Painter, Pen};
use super::path::Path;
use super::structure::entries;

/// A page paints without end: its forms draw each other.
#[derive(Debug)]
pub(super) struct Endless;

/// Forms that a page may draw. Where each of forms nested 30 deep draws two others they are a thousand million; no
/// page that somebody made has so many.
const MOST_FORMS: u32 = 200_000;

/// Depth to which forms inside forms are followed.
const DEEPEST_FORM: u32 = 32;

/// Number of states that are kept. ISO 32000-1, annex C, has readers keep 28; what is saved beyond the limit is not restored.
const MOST_STATES: usize = 4096;

/// Letters stand out a little of the boxes made for them, in points.
const CLIP_MARGIN: f64 = 3.0;

/// Paints what a page's own content paints.
pub(super) fn paint<'a>(
    page: &Page<'a>,
    fonts: &mut Fonts<'a>,
    layers: &Layers,
    painter: &mut Painter,
) -> Result<(), Endless> {
    ContentReader::new(page, fonts, layers, painter).read(&content_of(page), page.resources(), 0)
}

#[derive(Clone)]
pub(super) struct State<'a> {
    pub(super) ctm: Affine,
    /// Bounds of what can be seen: the page, then each clip inside the one before it.
    visible: Rect,
    text: TextState<'a>,
}

/// ISO 32000-1, 9.3.
#[derive(Clone)]
struct TextState<'a> {
    font: Option<Rc<PageFont<'a>>>,
    size: f64,
    character_space: f64,
    word_space: f64,
    /// 1 is the font's own width.
    scale: f64,
    leading: f64,
    rise: f64,
    /// Neither filled nor stroked.
    is_invisible: bool,
    matrix: Affine,
    line_matrix: Affine,
}

impl Default for TextState<'_> {
    fn default() -> Self {
        Self {
            font: None,
            size: 1.0,
            character_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
            is_invisible: false,
            matrix: Affine::IDENTITY,
            line_matrix: Affine::IDENTITY,
        }
    }
}

impl TextState<'_> {
    fn next_line(&mut self, x: f64, y: f64) {
        self.line_matrix *= Affine::translate((x, y));
        self.matrix = self.line_matrix;
    }
}

pub(super) struct ContentReader<'r, 'a> {
    fonts: &'r mut Fonts<'a>,
    layers: &'r Layers,
    pub(super) painter: &'r mut Painter,
    pub(super) state: State<'a>,
    saved: Vec<State<'a>>,
    /// States that were to be saved beyond the limit.
    unsaved: usize,
    /// For each open marked-content sequence whether it hides what it paints.
    hidden: Vec<bool>,
    forms: u32,
}

impl<'r, 'a> ContentReader<'r, 'a> {
    /// Reads for a page, beginning at its sheet.
    pub(super) fn new(page: &Page<'a>, fonts: &'r mut Fonts<'a>, layers: &'r Layers, painter: &'r mut Painter) -> Self {
        let (width, height) = page.render_dimensions();
        let sheet = Rect::new(0.0, 0.0, width.into(), height.into());
        let state = State {
            ctm: Affine::new(page.initial_transform(true).as_coeffs()),
            // Half a line beside the page is let pass.
            visible: sheet.inflate(6.0, 6.0),
            text: TextState::default(),
        };
        Self { fonts, layers, painter, state, saved: Vec::new(), unsaved: 0, hidden: Vec::new(), forms: 0 }
    }

    fn read(&mut self, content: &[u8], resources: &Resources<'a>, depth: u32) -> Result<(), Endless> {
        let mut operations = Operations::new(content);
        let mut fonts: FxHashMap<Box<[u8]>, Option<Rc<PageFont<'a>>>> = FxHashMap::default();
        let mut path = Path::default();
        let (saved, hidden) = (self.saved.len() + self.unsaved, self.hidden.len());
        while let Some(operator) = operations.next() {
            match operator {
                Op::SaveState => self.save(),
                Op::RestoreState if self.saved.len() + self.unsaved > saved => self.restore(),
                // A form does not end what was begun outside of it.
                Op::EndMarkedContent if self.hidden.len() > hidden => {
                    self.hidden.pop();
                    self.painter.end_marked_content();
                }
                Op::ExternalObject => {
                    let name = operations.name_before(0).map(Name::new_unescaped);
                    if let Some(form) = name.and_then(|name| resources.get_x_object(&name)) {
                        path = Path::default();
                        self.form(&form, resources, depth)?;
                    }
                }
                Op::Font => _ = self.set_font(&operations, resources, &mut fonts),
                Op::GraphicsState
                | Op::InlinePicture
                | Op::BeginMarkedContent
                | Op::BeginMarkedContentWithProperties => _ = self.with_resources(operator, &operations, resources),
                Op::MoveTo
                | Op::LineTo
                | Op::Rectangle
                | Op::Curve
                | Op::CurveFromHere
                | Op::CurveToEnd
                | Op::ClosePath
                | Op::Clip
                | Op::EndPath
                | Op::Stroke
                | Op::CloseAndStroke
                | Op::Fill => _ = self.path(operator, &operations, &mut path),
                _ => _ = self.text(operator, &operations),
            }
        }
        while self.hidden.len() > hidden {
            self.hidden.pop();
            self.painter.end_marked_content();
        }
        while self.saved.len() + self.unsaved > saved {
            self.restore();
        }
        Ok(())
    }
    /// Sets a font. None where it is not said which.
    fn set_font(
        &mut self,
        operands: &Operations<'_>,
        resources: &Resources<'a>,
        fonts: &mut FxHashMap<Box<[u8]>, Option<Rc<PageFont<'a>>>>,
    ) -> Option<()> {
        let (name, size) = (operands.name_before(1)?, operands.last_number()?);
        let font = match fonts.get(name) {
            Some(font) => font.clone(),
            None => {
                let dict = resources.get_font(&Name::new_unescaped(name));
                let font = dict.and_then(|dict| self.fonts.font(&dict));
                fonts.insert(name.into(), font.clone());
                font
            }
        };
        self.state.text.font = font;
        self.state.text.size = size;
        Some(())
    }

    /// Does what an operator says that names something else, or begins marked content. None where it does not say enough.
    fn with_resources(&mut self, operator: Op, operands: &Operations<'_>, resources: &Resources<'a>) -> Option<()> {
        match operator {
            Op::GraphicsState => {
                let state = resources.get_ext_g_state(&Name::new_unescaped(operands.name_before(0)?))?;
                self.set_font_of(&state);
            }
            Op::InlinePicture => {
                if let (false, Object::Stream(picture)) = (self.is_hidden(), operands.last_object()?) {
                    self.picture(picture.dict());
                }
            }
            Op::BeginMarkedContent => {
                let tag = operands.name_before(0)?;
                self.hidden.push(self.is_hidden());
                self.painter.begin_marked_content(tag, None);
            }
            _ => {
                let (tag, name) = (operands.name_before(1)?, operands.name_before(0));
                let named = name.and_then(|name| resources.properties.get::<Dict<'_>>(name));
                let is_shown = match name {
                    Some(name) if tag == b"OC" => self.layers.shows(&resources.properties, name),
                    _ => true,
                };
                self.hidden.push(self.is_hidden() || !is_shown);
                let given = || operands.last_object().and_then(dict_or_stream).map(|(properties, _)| properties);
                self.painter.begin_marked_content(tag, named.as_ref().or_else(given));
            }
        }
        Some(())
    }

    /// Does what an operator says of a path. None where it does not say enough.
    fn path(&mut self, operator: Op, operands: &Operations<'_>, path: &mut Path) -> Option<()> {
        let point = |[x, y]: [f64; 2]| Point::new(x, y);
        let points = |[x0, y0, x1, y1]: [f64; 4]| [Point::new(x0, y0), Point::new(x1, y1)];
        match operator {
            Op::MoveTo => path.begin(point(operands.numbers()?)),
            Op::LineTo => path.line_to(point(operands.numbers()?)),
            Op::Rectangle => path.rectangle(operands.numbers()?),
            Op::Curve => {
                let [x, y, rest @ ..] = operands.numbers::<6>()?;
                let [second, third] = points(rest);
                path.go_on(&[point([x, y]), second, third]);
            }
            Op::CurveFromHere | Op::CurveToEnd => path.go_on(&points(operands.numbers()?)),
            Op::ClosePath => path.strokes.close(),
            Op::Clip => path.clips = true,
            Op::EndPath => self.paint_path(path, None),
            Op::Stroke => self.paint_path(path, Some(true)),
            Op::CloseAndStroke => {
                path.strokes.close();
                self.paint_path(path, Some(true));
            }
            _ => self.paint_path(path, Some(false)),
        }
        Some(())
    }

    /// Does what an operator says of text, or of the place where all is painted. None where it does not say enough.
    fn text(&mut self, operator: Op, operands: &Operations<'_>) -> Option<()> {
        let text = &mut self.state.text;
        match operator {
            Op::Transform => self.state.ctm *= Affine::new(operands.numbers()?),
            Op::BeginText => (text.matrix, text.line_matrix) = (Affine::IDENTITY, Affine::IDENTITY),
            Op::CharacterSpacing => text.character_space = operands.last_number()?,
            Op::WordSpacing => text.word_space = operands.last_number()?,
            Op::HorizontalScaling => text.scale = operands.last_number()? / 100.0,
            Op::Leading => text.leading = operands.last_number()?,
            Op::RenderingMode => text.is_invisible = matches!(operands.last_number()? as i64, 3 | 7),
            Op::Rise => text.rise = operands.last_number()?,
            Op::TextMatrix => {
                text.line_matrix = Affine::new(operands.numbers()?);
                text.matrix = text.line_matrix;
            }
            Op::NextLine => {
                let [x, y] = operands.numbers()?;
                text.next_line(x, y);
            }
            Op::NextLineAndSetLeading => {
                let [x, y] = operands.numbers()?;
                text.leading = -y;
                text.next_line(x, y);
            }
            Op::NextLineUsingLeading => text.next_line(0.0, -text.leading),
            Op::Show => self.show(std::iter::once(Shown::Text(operands.last_text()?))),
            Op::NextLineAndShow => {
                let shown = operands.last_text()?;
                text.next_line(0.0, -text.leading);
                self.show(std::iter::once(Shown::Text(shown)));
            }
            Op::NextLineSpacedAndShow => {
                let ([word_space, character_space], shown) = (operands.numbers_before(1)?, operands.last_text()?);
                (text.word_space, text.character_space) = (word_space, character_space);
                text.next_line(0.0, -text.leading);
                self.show(std::iter::once(Shown::Text(shown)));
            }
            Op::ShowPieces => self.show(operands.last_pieces()?),
            _ => {}
        }
        Some(())
    }

    /// Reads a form.
    pub(super) fn form(&mut self, form: &Stream<'a>, resources: &Resources<'a>, depth: u32) -> Result<(), Endless> {
        let dict = form.dict();
        if self.is_hidden() || !self.layers.shows(dict, b"OC") {
            return Ok(());
        }
        match dict.get::<Name<'_>>(b"Subtype").as_ref().map(AsRef::as_ref) {
            Some(b"Form") if depth < DEEPEST_FORM => {}
            Some(b"Image") => {
                self.picture(dict);
                return Ok(());
            }
            _ => return Ok(()),
        }
        self.forms += 1;
        if self.forms > MOST_FORMS {
            return Err(Endless);
        }
        let (Some(content), Some(bounds)) = (form.decoded_data().ok(), dict.get::<[f64; 4]>(b"BBox")) else {
            return Ok(());
        };
        let own = dict.get::<Dict<'a>>(b"Resources").map(Resources::new);
        self.save();
        if let Some(matrix) = dict.get::<[f64; 6]>(b"Matrix") {
            self.state.ctm *= Affine::new(matrix);
        }
        self.clip(rect(bounds));
        let read = self.read(&content, own.as_ref().unwrap_or(resources), depth + 1);
        self.restore();
        read
    }

    /// Takes note of a picture (ISO 32000-1, 8.9.5): it fills the unit square.
    fn picture(&mut self, dict: &Dict<'_>) {
        let whole = self.state.ctm.transform_rect_bbox(Rect::new(0.0, 0.0, 1.0, 1.0));
        let place = whole.intersect(self.state.visible);
        let pixels = |long: &[u8], short: &[u8]| dict.get::<f64>(long).or_else(|| dict.get(short)).unwrap_or(0.0);
        let (width, height) = (pixels(b"Width", b"W"), pixels(b"Height", b"H"));
        // Whichever way it is turned.
        let dots_per_inch = 72.0 * (width * height / whole.area().max(1.0)).sqrt();
        let lets_through = |key: &[u8]| dict.contains_key(key);
        let is_stencil = dict.get::<bool>(b"ImageMask").or_else(|| dict.get::<bool>(b"IM")).unwrap_or(false);
        self.painter.picture(place, dots_per_inch, !(is_stencil || lets_through(b"SMask") || lets_through(b"Mask")));
    }

    pub(super) fn save(&mut self) {
        if self.saved.len() < MOST_STATES {
            self.saved.push(self.state.clone());
        } else {
            self.unsaved += 1;
        }
    }

    pub(super) fn restore(&mut self) {
        if self.unsaved > 0 {
            self.unsaved -= 1;
        } else if let Some(state) = self.saved.pop() {
            self.state = state;
        }
    }

    /// Ends a path: what is stroked or filled of it may be rules, and it may clip what follows.
    fn paint_path(&mut self, path: &mut Path, is_stroked: Option<bool>) {
        let Path { bounds, clips, mut strokes } = std::mem::take(path);
        if let Some(is_stroked) = is_stroked.filter(|_| !self.is_hidden()) {
            strokes.paint(self.state.ctm, is_stroked, self.painter.rules());
        }
        if let Some(bounds) = bounds.filter(|_| clips) {
            self.clip(bounds);
        }
    }

    fn clip(&mut self, bounds: Rect) {
        let clip = self.state.ctm.transform_rect_bbox(bounds).inflate(CLIP_MARGIN, CLIP_MARGIN);
        self.state.visible = self.state.visible.intersect(clip);
    }

    fn is_hidden(&self) -> bool {
        self.hidden.last().copied().unwrap_or(false)
    }

    /// The font that a graphics state sets, if it does.
    fn set_font_of(&mut self, state: &Dict<'a>) {
        let Some(pair) = state.get::<Array<'a>>(b"Font") else {
            return;
        };
        let mut pair = pair.iter::<Object<'a>>();
        if let (Some(Object::Dict(font)), Some(Object::Number(size))) = (pair.next(), pair.next()) {
            self.state.text.font = self.fonts.font(&font);
            self.state.text.size = size.as_f64();
        }
    }

    /// Shows strings; the numbers between them move what follows, in thousandths of the size.
    fn show<'s>(&mut self, pieces: impl Iterator<Item = Shown<'s>>) {
        let is_hidden = self.is_hidden();
        let state = &mut self.state;
        let text = &mut state.text;
        // Readers agree that text whose font is not there is shown in Helvetica.
        let Some(font) = text.font.clone().or_else(|| self.fonts.standard()) else {
            return;
        };
        let pen = Pen::new(state.ctm * text.matrix, text.size * text.scale, text.size, font.em, font.is_vertical);
        let (mut x, mut y) = (0.0, 0.0);
        for piece in pieces {
            match piece {
                Shown::Back(back) if font.is_vertical => y -= back / 1000.0 * text.size,
                Shown::Back(back) => x -= back / 1000.0 * text.size * text.scale,
                Shown::Text(mut bytes) => {
                    let is_shown = !is_hidden && (!font.is_substitute || bytes.is_ascii());
                    while let Some((code, length)) = font.first_code(bytes) {
                        bytes = bytes.get(length.max(1)..).unwrap_or_default();
                        let is_word_space = code == 32 && length == 1;
                        let code = font.code(code, &mut self.fonts.recovery);
                        if is_shown && let Some(pen) = &pen {
                            let origin = Point::new(
                                x + code.origin.x / 1000.0 * text.size * text.scale,
                                y + text.rise + code.origin.y / 1000.0 * text.size,
                            );
                            let place = pen.place(origin, code.width);
                            let is_seen = state.visible.contains(place.origin());
                            self.painter.show(&code.text, &place, is_seen, &mut self.fonts.recovery);
                        } else if is_shown {
                            self.painter.show_nothing();
                        }
                        let space = text.character_space + if is_word_space { text.word_space } else { 0.0 };
                        if font.is_vertical {
                            y += code.step.y / 1000.0 * text.size + space;
                        } else {
                            x += (code.step.x / 1000.0 * text.size + space) * text.scale;
                        }
                    }
                }
            }
        }
        self.painter.end_show(Face { is_invisible: text.is_invisible, ..font.face() });
        text.matrix *= Affine::translate((x, y));
    }
}

/// A rectangle of two opposite corners.
pub(super) fn rect([x0, y0, x1, y1]: [f64; 4]) -> Rect {
    Rect::from_points((x0, y0), (x1, y1))
}

/// The content of a page. The page could keep it; of a long document that would be more than the document.
fn content_of<'a>(page: &Page<'a>) -> Cow<'a, [u8]> {
    if let Some(content) = page.raw().get::<Stream<'a>>(b"Contents") {
        return content.decoded_data().unwrap_or_default();
    }
    let mut content = Vec::new();
    let parts = page.raw().get::<Array<'a>>(b"Contents").map(|parts| entries(&parts, page.xref()));
    let parts = parts.into_iter().flatten().filter_map(Object::into_stream);
    for part in parts.filter_map(|part| part.decoded_data().ok()) {
        content.extend_from_slice(&part);
        // An operator does not go on from one stream to the next.
        content.push(b'\n');
    }
    content.into()
}

/// Test whether a page's own content shows text.
pub(super) fn shows_text(page: &Page<'_>) -> bool {
    let content = content_of(page);
    let mut operations = Operations::new(&content);
    while let Some(operator) = operations.next() {
        let shows = match operator {
            Op::Show | Op::NextLineAndShow => operations.last_text().is_some(),
            Op::NextLineSpacedAndShow => {
                operations.numbers_before::<2>(1).is_some() && operations.last_text().is_some()
            }
            Op::ShowPieces => operations.last_pieces().is_some(),
            _ => false,
        };
        if shows {
            return true;
        }
    }
    false
}
