//! One message to an address that a person named, when a run has ended.

use std::time::Duration;

use reqwest::Url;

use super::client::choose_cryptography;
use super::endpoint::is_loopback;

/// Time that the message may take.
const TIME: Duration = Duration::from_secs(30);

/// Address that is told of the end of a run. It may hold a secret, so it is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook(Url);

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

impl Webhook {
    /// Judges an address.
    ///
    /// # Errors
    /// A sentence, if it is none, or leads to another machine unencrypted.
    pub fn new(given: &str) -> Result<Self, String> {
        let url = Url::parse(given.trim()).map_err(|e| format!("--webhook is no address ({e}); give an https one"))?;
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err("--webhook goes unencrypted to another machine; give an https address".to_owned()),
            other => Err(format!("--webhook begins with '{other}:'; give an address that begins with https:")),
        }
    }

    /// Posts a body of JSON, once: whether a message came that was not confirmed cannot be known, and a second one would say the same end
    /// twice.
    ///
    /// # Errors
    /// A sentence, if it was not taken.
    pub fn post(&self, body: String) -> Result<(), String> {
        choose_cryptography();
        let mut http = reqwest::Client::builder();
        if is_loopback(&self.0) {
            http = http.no_proxy();
        }
        // An error of the library names the address; what it rests on does not.
        let words = |e: reqwest::Error| e.without_url().to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let client = http
            .http1_only()
            .user_agent(concat!("corpora/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIME)
            .build()
            .map_err(words)?;
        let request = client.post(self.0.clone()).header("content-type", "application/json").body(body);
        // Its clock is asked for while the request is made.
        let response = runtime.block_on(async { request.send().await }).map_err(words)?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(format!("it answered {}", response.status()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encrypted_or_of_this_machine_and_shown_nowhere() {
        assert!(Webhook::new("http://127.0.0.1:9/x?token=s").is_ok());
        let hook = Webhook::new("https://hooks.example.com/T0/secret").unwrap();
        assert!(!format!("{hook:?}").contains("secret"));
        for bad in ["http://example.com/", "ftp://example.com", "hooks"] {
            assert!(Webhook::new(bad).is_err(), "{bad}");
        }
    }
}
