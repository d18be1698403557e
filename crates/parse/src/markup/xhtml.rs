//! XHTML and other XML of strangers: strictly first, leniently where that fails.

use super::elements::Sink;
use super::html::read_tag_soup;
use super::walker::{PageLabels, Walker};
use super::xml::read_xml;
use crate::flow::Flow;

/// Reads XML strictly and, when it is not well-formed, again from the start and leniently. `fresh` makes the sink for
/// each reading and is told whether it is the lenient one. Returns the sink, and why the strict reading gave up.
pub(crate) fn read_xml_or_soup<S: Sink>(text: &str, fresh: impl Fn(bool) -> S) -> (S, Option<String>) {
    let mut sink = fresh(false);
    match read_xml(text, &mut sink) {
        Ok(()) => (sink, None),
        Err(reason) => (read_tag_soup(text, fresh(true)), Some(reason)),
    }
}

/// XHTML or SVG as blocks. `labels` are the printed pages that begin at elements of this file.
pub(crate) fn read_xhtml(text: &str, labels: &PageLabels) -> Flow {
    read_xml_or_soup(text, |is_lenient| Walker::new(labels, is_lenient)).0.finish()
}
