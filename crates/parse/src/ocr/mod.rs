//! Optical character recognition of pages that are pictures.

mod picture;
mod recognition;
mod tesseract;

pub(crate) use recognition::{Ocr, OwnText, Recognition, add, pages};
pub use recognition::{OcrCount, OcrMode, OcrSettings};
pub(crate) use tesseract::OcrLine;
