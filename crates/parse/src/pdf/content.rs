//! Content streams, as far as the text of a page needs them: where text is shown, within which clips, on which layers.
//! Colours, what pictures show and all shapes but straight rules are passed over, which is why this is several times faster than a renderer.

use std::borrow::Cow;
use std::rc::Rc;

use hayro_font::kurbo::{Affine, Point, Rect};
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction as Op;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, Stream, dict_or_stream};
use hayro_syntax::page::{Page, Resources};
use rustc_hash::FxHashMap;

use super::fonts::{Face, Fonts, PageFont};
use super::layers::Layers;
use super::painter::{Painter, Pen};
use super::rules::Strokes;
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
    ContentReader::new(page, fonts, layers, painter).read(TypedIter::new(&content_of(page)), page.resources(), 0)
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

/// Bounds of the path that is being built.
#[derive(Default)]
struct Path {
    bounds: Option<Rect>,
    clips: bool,
    strokes: Strokes,
}

impl Path {
    fn begin(&mut self, x: Number, y: Number) {
        let point = Point::new(x.as_f64(), y.as_f64());
        self.bounds = Some(self.bounds.map_or(Rect::from_points(point, point), |bounds| bounds.union_pt(point)));
        self.strokes.move_to(point);
    }

    fn line_to(&mut self, x: Number, y: Number) {
        if self.bounds.is_some() {
            self.strokes.line_to(Point::new(x.as_f64(), y.as_f64()));
        }
        self.grow(&[(x, y)]);
    }

    /// A curve: none of it is a rule.
    fn go_on(&mut self, points: &[(Number, Number)]) {
        if let (true, Some((x, y))) = (self.bounds.is_some(), points.last()) {
            self.strokes.jump_to(Point::new(x.as_f64(), y.as_f64()));
        }
        self.grow(points);
    }

    /// A path that has no beginning does not go on.
    fn grow(&mut self, points: &[(Number, Number)]) {
        if let Some(bounds) = &mut self.bounds {
            for (x, y) in points {
                *bounds = bounds.union_pt(Point::new(x.as_f64(), y.as_f64()));
            }
        }
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

    fn read(&mut self, mut operations: TypedIter<'_>, resources: &Resources<'a>, depth: u32) -> Result<(), Endless> {
        let mut fonts: FxHashMap<Box<[u8]>, Option<Rc<PageFont<'a>>>> = FxHashMap::default();
        let mut path = Path::default();
        let (saved, hidden) = (self.saved.len() + self.unsaved, self.hidden.len());
        while let Some(operation) = operations.next() {
            match operation {
                Op::SaveState(_) => self.save(),
                Op::RestoreState(_) if self.saved.len() + self.unsaved > saved => self.restore(),
                Op::Transform(t) => self.state.ctm *= matrix([t.0, t.1, t.2, t.3, t.4, t.5]),
                Op::SetGraphicsState(name) => {
                    if let Some(state) = resources.get_ext_g_state(name.0) {
                        self.set_font_of(&state);
                    }
                }

                Op::MoveTo(p) => path.begin(p.0, p.1),
                Op::RectPath(r) => {
                    path.begin(r.0, r.1);
                    let (x, y) = (r.0.as_f64(), r.1.as_f64());
                    let corner = Point::new(x + r.2.as_f64(), y + r.3.as_f64());
                    path.bounds = path.bounds.map(|bounds| bounds.union_pt(corner));
                    path.strokes.rectangle(Rect::from_points((x, y), corner));
                }
                Op::LineTo(p) => path.line_to(p.0, p.1),
                Op::CubicTo(c) => path.go_on(&[(c.0, c.1), (c.2, c.3), (c.4, c.5)]),
                Op::CubicStartTo(c) => path.go_on(&[(c.0, c.1), (c.2, c.3)]),
                Op::CubicEndTo(c) => path.go_on(&[(c.0, c.1), (c.2, c.3)]),
                Op::ClosePath(_) => path.strokes.close(),
                Op::ClipNonZero(_) | Op::ClipEvenOdd(_) => path.clips = true,
                Op::EndPath(_) => self.paint_path(&mut path, None),
                Op::StrokePath(_) | Op::FillAndStrokeNonZero(_) | Op::FillAndStrokeEvenOdd(_) => {
                    self.paint_path(&mut path, Some(true));
                }
                Op::CloseAndStrokePath(_) | Op::CloseFillAndStrokeNonZero(_) | Op::CloseFillAndStrokeEvenOdd(_) => {
                    path.strokes.close();
                    self.paint_path(&mut path, Some(true));
                }
                Op::FillPathNonZero(_) | Op::FillPathNonZeroCompatibility(_) | Op::FillPathEvenOdd(_) => {
                    self.paint_path(&mut path, Some(false));
                }

                Op::BeginText(_) => {
                    self.state.text.matrix = Affine::IDENTITY;
                    self.state.text.line_matrix = Affine::IDENTITY;
                }
                Op::TextFont(t) => {
                    let font = match fonts.get(t.0.as_ref()) {
                        Some(font) => font.clone(),
                        None => {
                            let font = resources.get_font(t.0).and_then(|dict| self.fonts.font(&dict));
                            fonts.insert(t.0.as_ref().into(), font.clone());
                            font
                        }
                    };
                    self.state.text.font = font;
                    self.state.text.size = t.1.as_f64();
                }
                Op::CharacterSpacing(n) => self.state.text.character_space = n.0.as_f64(),
                Op::WordSpacing(n) => self.state.text.word_space = n.0.as_f64(),
                Op::HorizontalScaling(n) => self.state.text.scale = n.0.as_f64() / 100.0,
                Op::TextLeading(n) => self.state.text.leading = n.0.as_f64(),
                Op::TextRenderingMode(n) => self.state.text.is_invisible = matches!(n.0.as_i64(), 3 | 7),
                Op::TextRise(n) => self.state.text.rise = n.0.as_f64(),
                Op::SetTextMatrix(m) => {
                    self.state.text.line_matrix = matrix([m.0, m.1, m.2, m.3, m.4, m.5]);
                    self.state.text.matrix = self.state.text.line_matrix;
                }
                Op::NextLine(n) => self.state.text.next_line(n.0.as_f64(), n.1.as_f64()),
                Op::NextLineAndSetLeading(n) => {
                    self.state.text.leading = -n.1.as_f64();
                    self.state.text.next_line(n.0.as_f64(), n.1.as_f64());
                }
                Op::NextLineUsingLeading(_) => self.state.text.next_line(0.0, -self.state.text.leading),
                Op::ShowText(s) => self.show(std::iter::once(Object::String(s.0.clone()))),
                Op::NextLineAndShowText(s) => {
                    self.state.text.next_line(0.0, -self.state.text.leading);
                    self.show(std::iter::once(Object::String(s.0.clone())));
                }
                Op::ShowTextWithParameters(s) => {
                    self.state.text.word_space = s.0.as_f64();
                    self.state.text.character_space = s.1.as_f64();
                    self.state.text.next_line(0.0, -self.state.text.leading);
                    self.show(std::iter::once(Object::String(s.2.clone())));
                }
                Op::ShowTexts(s) => self.show(s.0.iter()),

                Op::BeginMarkedContent(mark) => {
                    self.hidden.push(self.is_hidden());
                    self.painter.begin_marked_content(mark.0.as_ref(), None);
                }
                Op::BeginMarkedContentWithProperties(mark) => {
                    let name = mark.1.clone().into_name();
                    let named = name.as_ref().and_then(|name| resources.properties.get::<Dict<'_>>(name));
                    let is_shown = match &name {
                        Some(name) if mark.0.as_ref() == b"OC" => {
                            self.layers.shows(&resources.properties, name.as_ref())
                        }
                        _ => true,
                    };
                    self.hidden.push(self.is_hidden() || !is_shown);
                    let properties =
                        named.as_ref().or_else(|| dict_or_stream(mark.1).map(|(properties, _)| properties));
                    self.painter.begin_marked_content(mark.0.as_ref(), properties);
                }
                // A form does not end what was begun outside of it.
                Op::EndMarkedContent(_) if self.hidden.len() > hidden => {
                    self.hidden.pop();
                    self.painter.end_marked_content();
                }
                Op::InlineImage(image) if !self.is_hidden() => self.picture(image.0.dict()),
                Op::XObject(name) => {
                    if let Some(form) = resources.get_x_object(name.0) {
                        path = Path::default();
                        self.form(&form, resources, depth)?;
                    }
                }
                _ => {}
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
        let read = self.read(TypedIter::new(&content), own.as_ref().unwrap_or(resources), depth + 1);
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
    fn show<'s>(&mut self, pieces: impl Iterator<Item = Object<'s>>) {
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
                Object::Number(back) if font.is_vertical => y -= back.as_f64() / 1000.0 * text.size,
                Object::Number(back) => x -= back.as_f64() / 1000.0 * text.size * text.scale,
                Object::String(string) => {
                    let mut bytes = string.as_bytes();
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
                _ => {}
            }
        }
        self.painter.end_show(Face { is_invisible: text.is_invisible, ..font.face() });
        text.matrix *= Affine::translate((x, y));
    }
}

fn matrix(numbers: [Number; 6]) -> Affine {
    Affine::new(numbers.map(|number| number.as_f64()))
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
    let mut operations = TypedIter::new(&content);
    while let Some(operation) = operations.next() {
        if matches!(
            operation,
            Op::ShowText(_) | Op::ShowTexts(_) | Op::NextLineAndShowText(_) | Op::ShowTextWithParameters(_)
        ) {
            return true;
        }
    }
    false
}
