//! Operations of a content stream (ISO 32000-1, 7.8.2): operators with their operands, which stay where they are: nothing is built for
//! numbers, names, strings and arrays of strings, as the text of a page is made of them. What else there may be, and all that is not
//! well-formed, is read by the reader of objects, so that both read the same.

use hayro_syntax::byte_reader::Reader;
use hayro_syntax::content::UntypedIter;
use hayro_syntax::object::{Name, Object};
use hayro_syntax::reader::ReaderExt;

use super::operators::Operator;

/// Operands that an operation may have; where there are more the stream is not one of operations. Colours of 32 parts have the most.
const MOST_OPERANDS: usize = 33;

/// Digits of a number that is read here: it fits into an integer.
const MOST_DIGITS: usize = 18;

const POWERS_OF_TEN: [f64; MOST_DIGITS + 1] =
    [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// Bytes of a name or a string.
#[derive(Debug, Clone, Copy)]
enum Bytes<'c> {
    /// As they stand in the stream.
    Raw(&'c [u8]),
    /// From one place of the decoded ones to another.
    Decoded(usize, usize),
}

#[derive(Debug, Clone, Copy)]
enum Operand<'c> {
    Number(f64),
    Name(Bytes<'c>),
    Text(Bytes<'c>),
    /// An array: its strings and numbers, from one place of the pieces to another.
    Pieces(usize, usize),
    /// Its place among the objects.
    Object(usize),
}

#[derive(Debug, Clone, Copy)]
enum Piece<'c> {
    Back(f64),
    Text(Bytes<'c>),
}

/// A part of what an operation shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shown<'s> {
    Text(&'s [u8]),
    /// A way back, in thousandths of the size.
    Back(f64),
}

/// The operations of a stream, one by one: [`Operations::next`] reads one, the other methods tell its operands, counted from the last:
/// what stands before them does not belong to the operator.
pub(super) struct Operations<'c> {
    data: &'c [u8],
    at: usize,
    operands: Vec<Operand<'c>>,
    pieces: Vec<Piece<'c>>,
    decoded: Vec<u8>,
    objects: Vec<Object<'c>>,
    /// Reads what follows a picture in the stream: nothing but its reader knows where the picture ends.
    rest: Option<UntypedIter<'c>>,
}

impl<'c> Operations<'c> {
    pub(super) fn new(data: &'c [u8]) -> Self {
        Self {
            data,
            at: 0,
            operands: Vec::with_capacity(MOST_OPERANDS),
            pieces: Vec::new(),
            decoded: Vec::new(),
            objects: Vec::new(),
            rest: None,
        }
    }

    /// Reads the next operation; none at the end of the stream, and of what can be told of it.
    pub(super) fn next(&mut self) -> Option<Operator> {
        self.clear();
        let operator = if self.rest.is_some() { self.next_of_rest()? } else { self.next_here()? };
        // A path whose course is not known ends the page: else it would be painted at random.
        let coordinates = match operator {
            Operator::MoveTo | Operator::LineTo => 2,
            Operator::Rectangle | Operator::CurveFromHere | Operator::CurveToEnd => 4,
            Operator::Curve => 6,
            _ => 0,
        };
        let last = self.operands.len().checked_sub(coordinates)?;
        self.operands[last..].iter().all(|operand| matches!(operand, Operand::Number(_))).then_some(operator)
    }

    fn clear(&mut self) {
        self.operands.clear();
        self.pieces.clear();
        self.decoded.clear();
        self.objects.clear();
    }

    fn next_here(&mut self) -> Option<Operator> {
        let begun = self.at;
        loop {
            self.skip_blanks();
            let read = match *self.data.get(self.at)? {
                b'.' | b'+' | b'-' | b'0'..=b'9' => self.number().map(Operand::Number),
                b'/' => self.name().map(|name| Operand::Name(Bytes::Raw(name))),
                b'(' => self.literal().map(Operand::Text),
                b'<' => self.hexadecimal().map(Operand::Text),
                b'[' => self.array(),
                _ => {
                    let word = self.regular();
                    if word.is_empty() {
                        self.at = self.data.len();
                        return None;
                    }
                    let operator = match word.contains(&b'#') {
                        true => Operator::of(&Name::new_escaped(word)?),
                        false => Operator::of(word),
                    };
                    if operator == Operator::InlinePicture {
                        self.clear();
                        self.rest = Some(UntypedIter::new(&self.data[begun..]));
                        self.at = self.data.len();
                        return self.next_of_rest();
                    }
                    return Some(operator);
                }
            };
            match read {
                Some(operand) => self.push(operand)?,
                None => self.object()?,
            }
        }
    }

    fn push(&mut self, operand: Operand<'c>) -> Option<()> {
        (self.operands.len() < MOST_OPERANDS).then(|| self.operands.push(operand))
    }

    /// Reads an operand by the reader of objects.
    fn object(&mut self) -> Option<()> {
        let mut reader = Reader::new_with(self.data, self.at);
        let object = reader.read_without_context::<Object<'c>>();
        self.at = reader.offset();
        match object {
            Some(object) => self.push_object(object),
            // A word that begins like a number: an operator that does not exist.
            None if !self.regular().is_empty() => {
                self.clear();
                Some(())
            }
            None => None,
        }
    }

    fn push_object(&mut self, object: Object<'c>) -> Option<()> {
        let operand = match object {
            Object::Number(number) => Operand::Number(number.as_f64()),
            Object::Name(name) => Operand::Name(self.decoded(&name)),
            Object::String(text) => Operand::Text(self.decoded(text.as_bytes())),
            Object::Array(array) => {
                let from = self.pieces.len();
                for item in array.iter::<Object<'c>>() {
                    match item {
                        Object::Number(number) => self.pieces.push(Piece::Back(number.as_f64())),
                        Object::String(text) => {
                            let text = self.decoded(text.as_bytes());
                            self.pieces.push(Piece::Text(text));
                        }
                        _ => {}
                    }
                }
                Operand::Pieces(from, self.pieces.len())
            }
            object => {
                self.objects.push(object);
                Operand::Object(self.objects.len() - 1)
            }
        };
        self.push(operand)
    }

    fn decoded(&mut self, bytes: &[u8]) -> Bytes<'c> {
        let from = self.decoded.len();
        self.decoded.extend_from_slice(bytes);
        Bytes::Decoded(from, self.decoded.len())
    }

    fn next_of_rest(&mut self) -> Option<Operator> {
        let mut rest = self.rest.take()?;
        let instruction = rest.next()?;
        let operator = Operator::of(instruction.operator);
        for operand in instruction.operands() {
            self.push_object(operand.clone())?;
        }
        self.rest = Some(rest);
        Some(operator)
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    /// Passes over white space and comments.
    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            if is_blank(byte) {
                self.at += 1;
            } else if byte == b'%' {
                let end = self.data[self.at..].iter().position(|b| matches!(b, b'\r' | b'\n'));
                self.at = end.map_or(self.data.len(), |end| self.at + end);
            } else {
                return;
            }
        }
    }

    /// Regular characters from here on.
    fn regular(&mut self) -> &'c [u8] {
        let from = self.at;
        let rest = &self.data[from..];
        let length = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A number of digits, and perhaps a sign and a point. None where it is written otherwise, and nothing is passed over then.
    fn number(&mut self) -> Option<f64> {
        let data = self.data;
        let mut at = self.at;
        let is_negative = data[at] == b'-';
        at += usize::from(matches!(data[at], b'-' | b'+'));
        let mut mantissa = 0_u64;
        let mut digits = |at: &mut usize| {
            let from = *at;
            while let Some(digit) = data.get(*at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(digit.into());
                *at += 1;
            }
            *at - from
        };
        let whole = digits(&mut at);
        let fraction = (data.get(at) == Some(&b'.')).then(|| {
            at += 1;
            digits(&mut at)
        });
        let count = whole + fraction.unwrap_or(0);
        if !(1..=MOST_DIGITS).contains(&count) || data.get(at).is_some_and(|byte| is_regular(*byte)) {
            return None;
        }
        self.at = at;
        let value = mantissa as f64;
        Some(match fraction {
            Some(digits) if is_negative => -(value / POWERS_OF_TEN[digits]),
            Some(digits) => value / POWERS_OF_TEN[digits],
            None if is_negative && mantissa > 0 => -value,
            None => value,
        })
    }

    /// A name in which nothing is escaped.
    fn name(&mut self) -> Option<&'c [u8]> {
        let from = self.at;
        self.at += 1;
        let name = self.regular();
        if name.contains(&b'#') {
            self.at = from;
            return None;
        }
        Some(name)
    }

    /// A string in brackets.
    fn literal(&mut self) -> Option<Bytes<'c>> {
        let from = self.at + 1;
        let (mut at, mut open, mut is_plain) = (from, 1_usize, true);
        loop {
            match *self.data.get(at)? {
                b'\\' => {
                    is_plain = false;
                    at += 1;
                }
                b'\r' | b'\n' => is_plain = false,
                b'(' => open += 1,
                b')' if open == 1 => break,
                b')' => open -= 1,
                _ => {}
            }
            at += 1;
        }
        let written = &self.data[from..at];
        self.at = at + 1;
        Some(if is_plain { Bytes::Raw(written) } else { self.unescaped(written) })
    }

    /// A string in brackets whose characters are not all written as they are (ISO 32000-1, 7.3.4.2).
    fn unescaped(&mut self, mut rest: &[u8]) -> Bytes<'c> {
        let from = self.decoded.len();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            let byte = match (byte, after) {
                (b'\\', [b'\r', b'\n', after @ ..] | [b'\r' | b'\n', after @ ..]) => {
                    rest = after;
                    continue;
                }
                (b'\\', [b'0'..=b'7', ..]) => {
                    let digits = after.iter().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
                    rest = &after[digits..];
                    let code = after[..digits].iter().fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0'));
                    // What is no byte stands for nothing.
                    let Ok(code) = u8::try_from(code) else { continue };
                    code
                }
                (b'\\', [escaped, after @ ..]) => {
                    rest = after;
                    match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'b' => 8,
                        b'f' => 12,
                        other => *other,
                    }
                }
                // However a line is ended, it is ended by one character.
                (b'\r', after) => {
                    rest = after.strip_prefix(b"\n").unwrap_or(after);
                    b'\n'
                }
                (byte, _) => byte,
            };
            self.decoded.push(byte);
        }
        Bytes::Decoded(from, self.decoded.len())
    }

    /// A string in hexadecimal digits. None, and nothing is passed over, where something else is between them: a dictionary, most often.
    fn hexadecimal(&mut self) -> Option<Bytes<'c>> {
        let from = self.decoded.len();
        let mut at = self.at + 1;
        let mut half: Option<u8> = None;
        loop {
            let byte = self.data.get(at).copied().unwrap_or_default();
            at += 1;
            let digit = match HEXADECIMAL[usize::from(byte)] {
                NO_DIGIT if byte == b'>' => break,
                NO_DIGIT if is_blank(byte) && at <= self.data.len() => continue,
                NO_DIGIT => {
                    self.decoded.truncate(from);
                    return None;
                }
                digit => digit,
            };
            match half.take() {
                Some(high) => self.decoded.push(high << 4 | digit),
                None => half = Some(digit),
            }
        }
        self.decoded.extend(half.map(|high| high << 4));
        self.at = at;
        Some(Bytes::Decoded(from, self.decoded.len()))
    }

    /// An array of numbers and strings. None, and nothing is passed over, where it holds something else.
    fn array(&mut self) -> Option<Operand<'c>> {
        let (begun, from, decoded) = (self.at, self.pieces.len(), self.decoded.len());
        self.at += 1;
        let read = loop {
            self.skip_blanks();
            let piece = match self.peek() {
                Some(b']') => break true,
                Some(b'.' | b'+' | b'-' | b'0'..=b'9') => self.number().map(Piece::Back),
                Some(b'(') => self.literal().map(Piece::Text),
                Some(b'<') => self.hexadecimal().map(Piece::Text),
                _ => None,
            };
            match piece {
                Some(piece) => self.pieces.push(piece),
                None => break false,
            }
        };
        if read {
            self.at += 1;
            return Some(Operand::Pieces(from, self.pieces.len()));
        }
        self.at = begun;
        self.pieces.truncate(from);
        self.decoded.truncate(decoded);
        None
    }

    /// The last operands, if they are numbers.
    pub(super) fn numbers<const N: usize>(&self) -> Option<[f64; N]> {
        self.numbers_before(0)
    }

    /// The operands before the last `after`, if they are numbers.
    pub(super) fn numbers_before<const N: usize>(&self, after: usize) -> Option<[f64; N]> {
        let mut numbers = [0.0; N];
        let first = self.operands.len().checked_sub(N + after)?;
        for (number, operand) in numbers.iter_mut().zip(&self.operands[first..]) {
            let Operand::Number(value) = operand else { return None };
            *number = *value;
        }
        Some(numbers)
    }

    fn bytes<'s>(&'s self, bytes: Bytes<'c>) -> &'s [u8] {
        match bytes {
            Bytes::Raw(bytes) => bytes,
            Bytes::Decoded(from, to) => &self.decoded[from..to],
        }
    }

    /// The operand before the last `after`.
    fn operand(&self, after: usize) -> Option<Operand<'c>> {
        self.operands.len().checked_sub(after + 1).map(|at| self.operands[at])
    }

    /// The name before the last `after` operands.
    pub(super) fn name_before(&self, after: usize) -> Option<&[u8]> {
        match self.operand(after)? {
            Operand::Name(name) => Some(self.bytes(name)),
            _ => None,
        }
    }

    /// The last operand, if it is a number.
    pub(super) fn last_number(&self) -> Option<f64> {
        self.numbers::<1>().map(|[number]| number)
    }

    /// The last operand, if it is a string.
    pub(super) fn last_text(&self) -> Option<&[u8]> {
        match self.operand(0)? {
            Operand::Text(text) => Some(self.bytes(text)),
            _ => None,
        }
    }

    /// The last operand, if nothing but the reader of objects knows what it is.
    pub(super) fn last_object(&self) -> Option<&Object<'c>> {
        match self.operand(0)? {
            Operand::Object(at) => self.objects.get(at),
            _ => None,
        }
    }

    /// The strings and numbers of the last operand, if it is an array.
    pub(super) fn last_pieces(&self) -> Option<impl Iterator<Item = Shown<'_>>> {
        let Operand::Pieces(from, to) = self.operand(0)? else { return None };
        Some(self.pieces[from..to].iter().map(|piece| match *piece {
            Piece::Back(back) => Shown::Back(back),
            Piece::Text(text) => Shown::Text(self.bytes(text)),
        }))
    }
}

/// White space (ISO 32000-1, 7.2.2).
fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

/// Neither white space nor a character that parts words (ISO 32000-1, 7.2.2).
fn is_regular(byte: u8) -> bool {
    REGULAR[usize::from(byte)]
}

const REGULAR: [bool; 256] = {
    let mut table = [true; 256];
    let others = b"\0\t\n\x0c\r ()<>[]{}/%";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = false;
        at += 1;
    }
    table
};

const NO_DIGIT: u8 = 0xff;

/// Values of hexadecimal digits.
const HEXADECIMAL: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An operation in words.
    fn of(operator: Operator, operands: &[String]) -> String {
        format!("{operator:?} {}", operands.join(" "))
    }

    fn of_piece(piece: Shown<'_>) -> String {
        match piece {
            Shown::Text(text) => format!("{text:?}"),
            Shown::Back(back) => format!("{back:?}"),
        }
    }

    fn here(data: &[u8]) -> Vec<String> {
        let mut operations = Operations::new(data);
        let mut found = Vec::new();
        while let Some(operator) = operations.next() {
            let operands = operations.operands.iter().map(|operand| match *operand {
                Operand::Number(number) => format!("{number:?}"),
                Operand::Name(name) => format!("/{:?}", operations.bytes(name)),
                Operand::Text(text) => format!("{:?}", operations.bytes(text)),
                Operand::Pieces(from, to) => {
                    let pieces = operations.pieces[from..to].iter().map(|piece| match *piece {
                        Piece::Back(back) => of_piece(Shown::Back(back)),
                        Piece::Text(text) => of_piece(Shown::Text(operations.bytes(text))),
                    });
                    format!("{:?}", pieces.collect::<Vec<_>>())
                }
                Operand::Object(at) => format!("{:?}", operations.objects[at]),
            });
            found.push(of(operator, &operands.collect::<Vec<_>>()));
        }
        found
    }

    /// The same by the reader of objects alone.
    fn by_objects(data: &[u8]) -> Vec<String> {
        let mut iter = UntypedIter::new(data);
        let mut found = Vec::new();
        while let Some(instruction) = iter.next() {
            let operator = Operator::of(instruction.operator);
            let operands: Vec<&Object<'_>> = instruction.operands().collect();
            let needed = match operator {
                Operator::MoveTo | Operator::LineTo => 2,
                Operator::Rectangle | Operator::CurveFromHere | Operator::CurveToEnd => 4,
                Operator::Curve => 6,
                _ => 0,
            };
            let numbers = operands.iter().rev().take_while(|operand| matches!(operand, Object::Number(_))).count();
            if numbers < needed {
                break;
            }
            let shown = |object: &&Object<'_>| match object {
                Object::Number(number) => format!("{:?}", number.as_f64()),
                Object::Name(name) => format!("/{:?}", name.as_ref() as &[u8]),
                Object::String(text) => format!("{:?}", text.as_bytes()),
                Object::Array(array) => {
                    let pieces = array.iter::<Object<'_>>().filter_map(|item| match item {
                        Object::Number(number) => Some(of_piece(Shown::Back(number.as_f64()))),
                        Object::String(text) => Some(of_piece(Shown::Text(text.as_bytes()))),
                        _ => None,
                    });
                    format!("{:?}", pieces.collect::<Vec<_>>())
                }
                other => format!("{other:?}"),
            };
            found.push(of(operator, &operands.iter().map(shown).collect::<Vec<_>>()));
        }
        found
    }

    #[test]
    fn operands_are_those_that_stand_before_the_operator() {
        let data = b"1 /F1 12 Tf [(Salt\\051) -20 <414 2>]TJ % a note\n9 0 0 -1.5 .5 +7 cm 3 (a\\\r\nb\r\nc) ' /Span<</MCID 3>>BDC";
        let mut operations = Operations::new(data);
        assert_eq!(operations.next(), Some(Operator::Font));
        assert_eq!((operations.name_before(1), operations.last_number()), (Some(b"F1".as_slice()), Some(12.0)));
        assert_eq!(operations.next(), Some(Operator::ShowPieces));
        let pieces: Vec<Shown<'_>> = operations.last_pieces().unwrap().collect();
        assert_eq!(pieces, [Shown::Text(b"Salt)"), Shown::Back(-20.0), Shown::Text(b"AB")]);
        assert_eq!(operations.next(), Some(Operator::Transform));
        assert_eq!(operations.numbers(), Some([9.0, 0.0, 0.0, -1.5, 0.5, 7.0]));
        assert_eq!(operations.next(), Some(Operator::NextLineAndShow));
        assert_eq!(operations.last_text(), Some(b"ab\nc".as_slice()));
        assert_eq!(operations.next(), Some(Operator::BeginMarkedContentWithProperties));
        assert!(matches!(operations.last_object(), Some(Object::Dict(_))));
        assert_eq!(operations.next(), None);
    }

    const PARTS: [&str; 56] = [
        "1",
        "-2.5",
        "+.5",
        "--3",
        "1-2",
        "1e5",
        ".",
        "-",
        "000000000000000000001",
        "1.2.3",
        "5.",
        "123456789012345678",
        "-0",
        "-0.0",
        "/F1",
        "/A#20B",
        "/",
        "(ab)",
        "(a\\)b)",
        "(\\053x\\7)",
        "(\\777)",
        "(a\r\nb)",
        "(\\\r\nq)",
        "((n))",
        "(",
        ")",
        "(\\n\\q\\8)",
        "<41 4>",
        "<4g>",
        "<>",
        "<<",
        ">>",
        "<</A 1>>",
        "[",
        "]",
        "[(a)-3.5<42>]",
        "[(a)/N 2]",
        "[1[2]3]",
        "[true(a)]",
        "%c\n",
        "true",
        "null",
        "Tj",
        "TJ",
        "Tf",
        "m",
        "re",
        "c",
        "q",
        "BDC",
        "T*",
        "'",
        "B#49",
        "BI /W 1 /H 1 ID x EI",
        "{",
        "\u{e9}",
    ];

    proptest! {
        #[test]
        fn a_stream_is_read_as_the_reader_of_objects_reads_it(
            parts in proptest::collection::vec((0..PARTS.len(), 0..4_usize), 0..40),
        ) {
            let mut data = String::new();
            for (part, gap) in parts {
                data.push_str(PARTS[part]);
                data.push_str(["", " ", "\n", "\0\t"][gap]);
            }
            prop_assert_eq!(here(data.as_bytes()), by_objects(data.as_bytes()), "{:?}", data);
        }

        #[test]
        fn any_bytes_are_read_as_the_reader_of_objects_reads_them(
            data in proptest::collection::vec(proptest::sample::select(&b"()<>[]{}/%\\\r\n 0123456789.+-#aTjqB*'\xff"[..]), 0..60),
        ) {
            prop_assert_eq!(here(&data), by_objects(&data));
        }
    }
}
