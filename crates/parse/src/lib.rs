//! The `parse` stage: bytes in, text with structure out.

mod archive;
mod build;
mod docx;
mod environment;
mod epub;
mod flow;
mod formats;
mod html;
mod markdown;
mod marked;
mod markup;
mod ocr;
mod pdf;
mod references;
mod settings;
mod text;
mod widths;

pub use environment::clear_environment;
pub use formats::{VERSION, check_name, parse, sniff};
pub use ocr::{LANGUAGE_FOLLOWS, OcrCount, OcrMode, OcrSettings};
pub use pdf::{PagePicture, draw_page};
pub use settings::ParseSettings;
