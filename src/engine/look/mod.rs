//! What an output folder holds, made ready for being looked at: its books, terms and passages in a database beside the folder, asked a page
//! at a time.

mod book;
mod build;
mod card;
mod context;
mod error;
mod gather;
mod index;
mod master;
mod parsed;
mod query;
mod report;
mod shapes;
mod shelf;
mod stamp;
mod terms;

pub use self::build::{Look, LookStep};
pub use self::error::LookError;
pub use self::parsed::LookSource;
pub use self::query::{Facet, Order, TermQuery};
pub use self::report::write_report;
pub use self::shapes::{
    Book, BookCard, Bucket, Chapter, Facets, PageText, PageToDraw, Passage, Shelf, Spread, Statement, TermCard,
    TermPage, TermRow,
};
pub use self::stamp::folder_stamp;
