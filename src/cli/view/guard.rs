//! Who may ask: requests of this user's own page, and of nobody else's. Pure.
//!
//! Any page in the browser, and any program on this machine, can send requests to a port of loopback. The page that asks knows a key that
//! no other has; a name that was bound anew to 127.0.0.1 shows in `Host`
//! (<https://owasp.org/www-community/attacks/DNS_Rebinding>); another page shows in `Origin` and `Sec-Fetch-Site`
//! (<https://www.w3.org/TR/fetch-metadata/>). A cookie would not do: it is sent to every port of a host, other users' ports among them.

/// Facts about a request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asker<'a> {
    /// True if it only reads.
    pub(super) reads: bool,
    pub(super) path: &'a str,
    pub(super) host: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub(super) site: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) token: Option<&'a str>,
}

/// Reason for which a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names another host.
    Host,
    /// It comes from another page.
    Origin,
    /// It has no key, or a wrong one.
    Token,
    /// It changes something and is not what the page sends.
    Form,
}

impl Refusal {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Host => "this address is not that of corpora view",
            Self::Origin => "another page may not ask here",
            Self::Token => "the key is missing or wrong; open the address that 'corpora view' printed",
            Self::Form => "only JSON of the page itself changes anything",
        }
    }
}

/// The page itself, which holds nothing of the folder.
pub(super) const PAGE: &str = "/";

/// Place at which a ticket is exchanged for the key.
pub(super) const ENTER: &str = "/api/enter";

/// Judges a request to the server at `port` whose key is `token`.
pub(super) fn judge(asker: &Asker<'_>, port: u16, token: &str) -> Result<(), Refusal> {
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let Some(host) = asker.host.filter(|host| hosts.iter().any(|own| own == host)) else { return Err(Refusal::Host) };
    let own = format!("http://{host}");
    if asker.origin.is_some_and(|origin| origin != own) || !asker.reads && asker.origin.is_none() {
        return Err(Refusal::Origin);
    }
    let may_navigate = asker.path == PAGE && asker.reads;
    // A link on another page may lead to the page, which then has no key.
    if asker.site.is_some_and(|site| {
        site != "same-origin" && !(may_navigate && matches!(site, "none" | "cross-site" | "same-site"))
    }) {
        return Err(Refusal::Origin);
    }
    if !asker.reads && asker.content_type.is_none_or(|kind| kind != "application/json") {
        return Err(Refusal::Form);
    }
    if may_navigate || asker.path == ENTER {
        return Ok(());
    }
    match asker.token {
        Some(given) if is_equal(given.as_bytes(), token.as_bytes()) => Ok(()),
        _ => Err(Refusal::Token),
    }
}

/// Compares in the same time wherever they differ, so that nobody finds a key out letter by letter.
pub(super) fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Asker<'_> = Asker {
        reads: true,
        path: "/api/shelf",
        host: Some("127.0.0.1:8600"),
        origin: None,
        site: Some("same-origin"),
        content_type: None,
        token: Some("key"),
    };

    fn refused(asker: &Asker<'_>) -> Option<Refusal> {
        judge(asker, 8600, "key").err()
    }

    #[test]
    fn the_page_of_its_own_may_read_and_decide() {
        assert_eq!(refused(&OWN), None);
        assert_eq!(refused(&Asker { host: Some("localhost:8600"), ..OWN }), None);
        let decides = Asker {
            reads: false,
            path: "/api/decide",
            origin: Some("http://127.0.0.1:8600"),
            content_type: Some("application/json"),
            ..OWN
        };
        assert_eq!(refused(&decides), None);
        // A person types the address, or follows a link.
        for site in ["none", "cross-site"] {
            assert_eq!(refused(&Asker { path: "/", site: Some(site), token: None, ..OWN }), None);
        }
    }

    #[test]
    fn nobody_else_may() {
        for host in [
            None,
            Some("evil.example:8600"),
            Some("127.0.0.1:8601"),
            Some("127.0.0.1"),
            Some("127.0.0.1:8600.evil.example"),
        ] {
            assert_eq!(refused(&Asker { host, ..OWN }), Some(Refusal::Host), "{host:?}");
            assert_eq!(refused(&Asker { host, path: "/", ..OWN }), Some(Refusal::Host), "not even the page");
        }
        for origin in ["http://evil.example", "http://127.0.0.1:8601", "https://127.0.0.1:8600", "null"] {
            assert_eq!(refused(&Asker { origin: Some(origin), ..OWN }), Some(Refusal::Origin), "{origin}");
        }
        for site in ["cross-site", "same-site", "none"] {
            assert_eq!(refused(&Asker { site: Some(site), ..OWN }), Some(Refusal::Origin), "{site}");
        }
        for token in [None, Some(""), Some("ke"), Some("keys"), Some("yek")] {
            assert_eq!(refused(&Asker { token, ..OWN }), Some(Refusal::Token), "{token:?}");
        }
    }

    #[test]
    fn what_changes_something_shows_where_it_comes_from() {
        let json = Some("application/json");
        let post = Asker { reads: false, path: "/api/decide", content_type: json, site: None, ..OWN };
        assert_eq!(refused(&post), Some(Refusal::Origin), "no origin");
        let own = Some("http://127.0.0.1:8600");
        for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            assert_eq!(refused(&Asker { origin: own, content_type, ..post }), Some(Refusal::Form));
        }
        assert_eq!(refused(&Asker { origin: own, token: None, ..post }), Some(Refusal::Token));
        assert_eq!(refused(&Asker { origin: own, path: ENTER, token: None, ..post }), None, "it brings a ticket");
        assert_eq!(refused(&Asker { path: ENTER, token: None, ..post }), Some(Refusal::Origin));
        assert_eq!(refused(&Asker { reads: false, path: "/", origin: own, token: None, ..post }), Some(Refusal::Token));
    }
}
