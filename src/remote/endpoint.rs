//! Addresses to which requests go: base URLs and their origins, judged before anything is sent.

use reqwest::Url;

/// A base URL that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
}

/// Reason for which a base URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no URL.
    #[error("the base URL '{given}' is not one ({reason}); give something like https://api.example.com/v1")]
    NotAUrl {
        /// Base URL that was given.
        given: String,
        /// The parser's words.
        reason: String,
    },
    /// It has another scheme.
    #[error("the base URL '{given}' begins with '{scheme}:'; give one that begins with https: or http:")]
    Scheme {
        /// Base URL that was given.
        given: String,
        /// Its scheme.
        scheme: String,
    },
    /// Plain http to another machine.
    #[error(
        "the base URL '{given}' sends the key and the books unencrypted to another machine; use https, or give --allow-http if you trust every machine between here and {host}"
    )]
    PlainHttp {
        /// Base URL that was given.
        given: String,
        /// Its host.
        host: String,
    },
    /// A user name or password in the URL.
    #[error(
        "the base URL for {host} holds a user name or password; leave them out, and give the key in the environment"
    )]
    Credentials {
        /// Its host.
        host: String,
    },
    /// A query or a fragment.
    #[error("the base URL '{given}' has a '?' or '#' part; leave it out: paths are added behind the base URL")]
    Query {
        /// Base URL that was given.
        given: String,
    },
}

impl Endpoint {
    /// Judges a base URL. `allow_http` lets plain http go to machines other than this one.
    ///
    /// # Errors
    /// A sentence with the remedy.
    pub fn new(given: &str, allow_http: bool) -> Result<Self, EndpointError> {
        let given = given.trim();
        let base =
            Url::parse(given).map_err(|e| EndpointError::NotAUrl { given: given.to_owned(), reason: e.to_string() })?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(EndpointError::Scheme { given: given.to_owned(), scheme: base.scheme().to_owned() });
        }
        let Some(host) = base.host_str().map(str::to_owned) else {
            return Err(EndpointError::NotAUrl { given: given.to_owned(), reason: "it names no host".into() });
        };
        if !base.username().is_empty() || base.password().is_some() {
            return Err(EndpointError::Credentials { host });
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(EndpointError::Query { given: given.to_owned() });
        }
        if base.scheme() == "http" && !allow_http && !is_loopback(&base) {
            return Err(EndpointError::PlainHttp { given: given.to_owned(), host });
        }
        Ok(Self { base })
    }

    /// Scheme, host and port: who is asked, whatever the path. Part of a question's key.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Test whether the machine that is asked is this one.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// The URL of a path of the same server, whatever the base's path is.
    pub(super) fn at_root(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// The URL of a path below the base.
    ///
    /// # Panics
    /// Never: our paths hold no character that a URL cannot hold.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

/// Test whether a URL is of this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    use std::net::IpAddr;
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for good in ["http://127.0.0.1:8000/v1", "http://localhost:11434", "http://[::1]:8080", "https://example.com"] {
            assert!(Endpoint::new(good, false).is_ok(), "{good}");
        }
        for bad in
            ["http://example.com", "http://127.0.0.1.example.com", "http://192.168.1.4:8000", "http://0x7f.1.example"]
        {
            assert!(matches!(Endpoint::new(bad, false), Err(EndpointError::PlainHttp { .. })), "{bad}");
            assert!(Endpoint::new(bad, true).is_ok());
        }
    }

    #[test]
    fn what_is_no_base_url_is_explained() {
        let message = |given| Endpoint::new(given, false).unwrap_err().to_string();
        assert!(message("localhost:8000/v1").contains("begins with 'localhost:'"));
        assert!(message("api.example.com").contains("is not one"));
        assert!(message("ftp://example.com").contains("'ftp:'"));
        assert!(message("https://me:secret@example.com").contains("leave them out"));
        assert!(!message("https://me:secret@example.com").contains("secret"));
        assert!(message("https://example.com?x=1").contains("leave it out"));
    }

    #[test]
    fn paths_are_added_and_the_origin_ignores_them() {
        let endpoint = Endpoint::new("https://example.com:8443/gateway/v1/", false).unwrap();
        assert_eq!(endpoint.join("/messages").as_str(), "https://example.com:8443/gateway/v1/messages");
        assert_eq!(endpoint.origin(), "https://example.com:8443");
        assert_eq!(Endpoint::new("https://example.com:443", false).unwrap().origin(), "https://example.com");
    }
}
