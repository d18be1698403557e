//! Codes of fonts that nothing in the file explains: each has a character of its own while the document is read, until its words tell
//! what it is.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

/// First character that stands for an unknown code: the last of the private planes, which no font uses.
const FIRST: u32 = 0x10_0000;

/// Codes that are told apart: those of the plane, but for its two noncharacters.
const MOST: usize = 0xfffd;

/// The unknown codes of a document. Clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct UnknownCodes(Rc<RefCell<FxHashMap<(u64, u32), u32>>>);

impl UnknownCodes {
    /// The character that stands for a code of a font.
    pub(super) fn character(&self, font: u64, code: u32) -> char {
        let mut known = self.0.borrow_mut();
        let next = known.len();
        if next >= MOST && !known.contains_key(&(font, code)) {
            return char::REPLACEMENT_CHARACTER;
        }
        let number = *known.entry((font, code)).or_insert(next as u32);
        char::from_u32(FIRST + number).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// The font of each code, by the character that stands for it.
    pub(super) fn fonts(&self) -> FxHashMap<char, u64> {
        let known = self.0.borrow();
        let of = known.iter().filter_map(|((font, _), number)| Some((char::from_u32(FIRST + number)?, *font)));
        of.collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

/// Test whether a character stands for an unknown code.
pub(super) fn is_unknown(c: char) -> bool {
    u32::from(c) >= FIRST
}
