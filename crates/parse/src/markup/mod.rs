//! Markup as blocks: one walker for XHTML in EPUB, for HTML and for SVG, behind a strict and a lenient reader.

mod decode;
mod elements;
mod frame;
mod html;
mod marks;
mod roles;
mod spans;
mod tables;
mod walker;
mod xhtml;
mod xml;

pub(super) use decode::{Decoded, decode, decode_markup};
pub(super) use elements::{Sink, Tag};
pub(super) use html::read_html;
pub(super) use marks::Meaning;
pub(super) use tables::Tables;
pub(super) use walker::{PageLabels, Walker};
pub(super) use xhtml::{read_xhtml, read_xml_or_soup};
pub(super) use xml::read_xml;
