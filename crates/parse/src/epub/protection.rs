//! Encrypted entries, and the scheme that encrypted them.
//! <https://www.w3.org/TR/epub-33/#sec-container-metainf-encryption.xml>.

use std::collections::HashSet;

use super::super::archive::{Archive, resolve};
use super::super::markup::{Sink, Tag, decode_markup, read_xml_or_soup};

/// Algorithms that only make fonts useless outside their book; nothing else may be encrypted with them:
/// <https://www.w3.org/TR/epub-33/#sec-font-obfuscation>, and Adobe's older one (`http://ns.adobe.com/pdf/enc#RC`).
const FONT_OBFUSCATION: [&str; 2] = ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#rc"];

/// The entries whose content is encrypted, fonts that are merely obfuscated left out.
#[derive(Debug, Default)]
pub(super) struct Protection {
    paths: HashSet<String>,
    scheme: Scheme,
}

/// Scheme that encrypted it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    AdobeAdept,
    AppleFairPlay,
    ReadiumLcp,
    #[default]
    Unknown,
}

impl Protection {
    /// Reads what the archive says of its own encryption.
    pub(super) fn read(archive: &mut Archive<'_>) -> Self {
        let Ok(content) = archive.read("META-INF/encryption.xml") else { return Self::default() };
        let decoded = decode_markup(&content.bytes);
        let (list, _) = read_xml_or_soup(&decoded.text, |_| EncryptionList::default());
        let scheme = if archive.find("META-INF/license.lcpl").is_some() {
            Scheme::ReadiumLcp
        } else if archive.find("META-INF/sinf.xml").is_some() {
            Scheme::AppleFairPlay
        } else if archive.find("META-INF/rights.xml").is_some() || decoded.text.contains("ns.adobe.com/adept") {
            Scheme::AdobeAdept
        } else {
            Scheme::Unknown
        };
        Self { paths: list.paths, scheme }
    }

    /// Test whether the entry at `path` is encrypted.
    pub(super) fn covers(&self, path: &str) -> bool {
        !self.paths.is_empty() && self.paths.contains(&path.to_lowercase())
    }

    /// The refusal: scheme and remedy.
    pub(super) fn reason(&self) -> String {
        let (scheme, remedy) = match self.scheme {
            Scheme::AdobeAdept => {
                ("Adobe ADEPT (Adobe Digital Editions)", "Adobe Digital Editions or the seller's app")
            }
            Scheme::AppleFairPlay => ("Apple FairPlay", "Apple Books"),
            Scheme::ReadiumLcp => ("Readium LCP", "a reader that supports LCP, such as Thorium Reader"),
            Scheme::Unknown => ("a scheme that does not say its name", "the seller's app"),
        };
        format!(
            "its text is encrypted with DRM: {scheme}; it opens only in {remedy}: ask the seller or the publisher for a copy without DRM"
        )
    }
}

#[derive(Default)]
struct EncryptionList {
    algorithm: String,
    paths: HashSet<String>,
    in_key: bool,
}

impl Sink for EncryptionList {
    fn start(&mut self, tag: &Tag<'_>, _is_empty: bool) {
        match tag.name {
            "encrypteddata" => self.algorithm.clear(),
            // How a key is encrypted, which names no file.
            "encryptedkey" | "keyinfo" => self.in_key = true,
            "encryptionmethod" if !self.in_key => {
                self.algorithm = tag.attributes.get("algorithm").unwrap_or_default().trim().to_ascii_lowercase();
            }
            "cipherreference" if !FONT_OBFUSCATION.contains(&self.algorithm.as_str()) => {
                // References are relative to the root of the archive.
                let path = tag.attributes.text("uri").and_then(|uri| resolve("", uri));
                self.paths.extend(path.map(|(path, _)| path.to_lowercase()));
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if matches!(name, "encryptedkey" | "keyinfo") {
            self.in_key = false;
        }
    }

    fn text(&mut self, _text: &str) {}
}
