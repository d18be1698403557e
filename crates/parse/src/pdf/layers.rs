//! Layers of a document (optional content, ISO 32000-1, 8.11): which of them a reader who opens the file sees.

use std::collections::HashSet;

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, ObjectIdentifier};

/// The layers that are off when the document is opened.
#[derive(Debug, Default)]
pub(super) struct Layers {
    off: HashSet<ObjectIdentifier>,
}

impl Layers {
    pub(super) fn of(pdf: &Pdf) -> Self {
        Self::read(pdf).unwrap_or_default()
    }

    fn read(pdf: &Pdf) -> Option<Self> {
        let catalog: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
        let properties: Dict<'_> = catalog.get(b"OCProperties")?;
        let initial: Dict<'_> = properties.get(b"D")?;
        let mut off = HashSet::new();
        if initial.get::<Name<'_>>(b"BaseState").is_some_and(|state| state.as_ref() == b"OFF") {
            off.extend(references(&properties, b"OCGs"));
        }
        for on in references(&initial, b"ON") {
            off.remove(&on);
        }
        off.extend(references(&initial, b"OFF"));
        Some(Self { off })
    }

    /// Test whether what belongs to the layer, or to the membership in layers, at `key` of a dictionary is seen.
    pub(super) fn shows(&self, holder: &Dict<'_>, key: &[u8]) -> bool {
        if self.off.is_empty() {
            return true;
        }
        let is_off = |id: &ObjectIdentifier| self.off.contains(id);
        let Some(layer) = holder.get::<Dict<'_>>(key) else {
            return true;
        };
        if layer.get::<Name<'_>>(b"Type").is_none_or(|name| name.as_ref() != b"OCMD") {
            return holder.get_ref(key).is_none_or(|id| !is_off(&id.into()));
        }
        let mut members: Vec<ObjectIdentifier> = references(&layer, b"OCGs").collect();
        members.extend(layer.get_ref(b"OCGs").filter(|_| members.is_empty()).map(ObjectIdentifier::from));
        if members.is_empty() {
            return true;
        }
        match layer.get::<Name<'_>>(b"P").as_ref().map(AsRef::as_ref) {
            Some(b"AllOn") => !members.iter().any(is_off),
            Some(b"AnyOff") => members.iter().any(is_off),
            Some(b"AllOff") => members.iter().all(is_off),
            _ => !members.iter().all(is_off),
        }
    }
}

/// The objects to which an array refers.
fn references<'d>(dict: &'d Dict<'_>, key: &'d [u8]) -> impl Iterator<Item = ObjectIdentifier> {
    let array = dict.get::<Array<'_>>(key);
    let ids: Vec<ObjectIdentifier> =
        array.iter().flat_map(Array::raw_iter).filter_map(|item| Some(item.as_obj_ref()?.into())).collect();
    ids.into_iter()
}
