//! Optical character recognition of pages that are pictures.

mod components;
mod ink;
mod languages;
mod look;
mod picture;
mod prepare;
mod print;
mod reading;
mod recognition;
mod side_by_side;
mod tesseract;

pub(crate) use ink::is_picture;
pub(crate) use picture::{Drawing, for_people};
pub(crate) use print::shows_print;
pub(crate) use reading::{OcrWord, PageReading};
pub use recognition::{LANGUAGE_FOLLOWS, OcrCount, OcrMode, OcrSettings};
pub(crate) use recognition::{Ocr, Wanted, pages};
