//! Trouble with a request, and what the engine does about it.

use std::time::Duration;

use crate::values::{Stop, StopReason};

/// The class of a provider's or the network's trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TroubleKind {
    /// Over the rate limit.
    RateLimited,
    /// The provider has too much to do.
    Overloaded,
    /// The server failed. It may have answered, and billed, before it did.
    Server {
        /// True if an answer may have been made that never arrived.
        may_have_answered: bool,
    },
    /// No answer within the time limit.
    Timeout,
    /// The connection failed before the request was sent.
    Unreachable,
    /// The connection failed afterwards.
    Cut,
    /// A response with status 200 that is not what the vendor sends.
    Malformed,
    /// The request is larger than the provider or the model's window allows.
    TooLarge,
    /// The provider refuses to answer this text.
    Refused,
    /// The server does not know the way in which the schema was given.
    Structured,
    /// The provider finds the request wrong.
    BadRequest,
    /// The key is missing, wrong or not allowed to do this.
    Key,
    /// No money, or a spend limit is reached.
    Balance,
    /// The quota of a day is used up.
    DailyQuota,
    /// The model or the address does not exist.
    NotFound,
    /// Nothing was sent, for a reason on this machine.
    Unsent,
}

/// All that the engine knows of a provider's trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Ask again later; everybody waits when `everybody`.
    Retry {
        /// Wait that the provider asked for.
        after: Option<Duration>,
        /// True if it concerns all traffic and not this request alone.
        everybody: bool,
    },
    /// Ask for less at once.
    Split,
    /// Ask again in another way.
    Rephrase,
    /// This text gets no answer.
    FailUnit,
    /// No request of this run would fare better.
    AbortRun,
}

/// A request's trouble.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// Its class.
    pub kind: TroubleKind,
    /// A lowercase sentence, without secrets.
    pub message: String,
    /// Time that the provider asked to wait.
    pub retry_after: Option<Duration>,
    /// Advice of the provider about trying again (`x-should-retry`).
    pub should_retry: Option<bool>,
    /// Tokens of prompt and answer together that the model takes, where a request that was too long is told so.
    pub context_size: Option<u64>,
    /// True if it is told in the vendor's own form. A gateway on the way answers in a form of its own, and knows nothing of what
    /// happened behind it.
    pub own_words: bool,
}

impl Trouble {
    /// A trouble without a waiting time.
    pub fn new(kind: TroubleKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            should_retry: None,
            context_size: None,
            own_words: false,
        }
    }

    /// Disposition: what to do.
    pub fn disposition(&self) -> Disposition {
        let after = self.retry_after;
        match (self.kind, self.should_retry) {
            (TroubleKind::RateLimited | TroubleKind::Overloaded, _) => Disposition::Retry { after, everybody: true },
            // The provider's own word on server errors wins.
            (TroubleKind::Server { .. }, Some(false)) => Disposition::FailUnit,
            (
                TroubleKind::Server { .. }
                | TroubleKind::Timeout
                | TroubleKind::Unreachable
                | TroubleKind::Cut
                | TroubleKind::Malformed,
                _,
            )
            | (TroubleKind::BadRequest, Some(true)) => Disposition::Retry { after, everybody: false },
            (TroubleKind::TooLarge, _) => Disposition::Split,
            (TroubleKind::Structured, _) => Disposition::Rephrase,
            (TroubleKind::Refused | TroubleKind::BadRequest, _) => Disposition::FailUnit,
            (
                TroubleKind::Key
                | TroubleKind::Balance
                | TroubleKind::DailyQuota
                | TroubleKind::NotFound
                | TroubleKind::Unsent,
                _,
            ) => Disposition::AbortRun,
        }
    }

    /// Test whether it is the server's, and not of what was asked, of the key or of the account.
    pub fn is_of_server(&self) -> bool {
        matches!(
            self.kind,
            TroubleKind::Server { .. }
                | TroubleKind::Overloaded
                | TroubleKind::Unreachable
                | TroubleKind::Cut
                | TroubleKind::Malformed
        ) && self.should_retry != Some(false)
    }

    /// Test whether the server does not stream answers.
    pub fn is_of_streaming(&self) -> bool {
        matches!(self.kind, TroubleKind::BadRequest | TroubleKind::NotFound | TroubleKind::Structured)
            && self.message.to_ascii_lowercase().contains("stream")
    }

    /// Test whether the server, or the model behind it, takes no temperature.
    pub fn is_of_temperature(&self) -> bool {
        matches!(self.kind, TroubleKind::BadRequest | TroubleKind::Structured)
            && self.message.to_ascii_lowercase().contains("temperature")
    }

    /// Test whether parts of a request may pass where the whole does not.
    pub fn is_of_a_part(&self) -> bool {
        self.disposition() == Disposition::Split || self.kind == TroubleKind::Refused
    }

    /// Test whether the provider may have made, and billed, an answer that never arrived.
    pub fn may_be_billed(&self) -> bool {
        matches!(
            self.kind,
            TroubleKind::Server { may_have_answered: true }
                | TroubleKind::Timeout
                | TroubleKind::Cut
                | TroubleKind::Malformed
        )
    }

    /// Stop of a run for which this is the reason, in the provider's words, with advice.
    pub fn stop(&self) -> Stop {
        let reason = match self.kind {
            TroubleKind::Key => StopReason::Key,
            TroubleKind::Balance => StopReason::Balance,
            TroubleKind::DailyQuota => StopReason::DailyQuota,
            TroubleKind::NotFound => StopReason::NotFound,
            TroubleKind::Unreachable => StopReason::Unreachable,
            TroubleKind::BadRequest => StopReason::BadRequest,
            TroubleKind::Structured => StopReason::Schema,
            TroubleKind::RateLimited
            | TroubleKind::Overloaded
            | TroubleKind::Server { .. }
            | TroubleKind::Timeout
            | TroubleKind::Cut
            | TroubleKind::Malformed
            | TroubleKind::TooLarge
            | TroubleKind::Refused
            | TroubleKind::Unsent => StopReason::Provider,
        };
        Stop::new(reason, format!("{}; {}", self.message, self.remedy()))
    }

    /// Advice to a person about one text that is too large, for the end of a sentence.
    pub fn remedy_for_size(&self) -> &'static str {
        match self.kind {
            TroubleKind::TooLarge => {
                "; lower [chunk] max_tokens in the pipeline, or choose a model with a larger window"
            }
            _ => "",
        }
    }

    /// Advice to a person about trouble that stops the run.
    pub fn remedy(&self) -> &'static str {
        match self.kind {
            TroubleKind::Key => {
                "check the API key (an environment variable, or --key-file) and that it may use this model; then run the same command again"
            }
            TroubleKind::Balance => {
                "add credit or raise the spend limit at the provider; then run the same command again"
            }
            TroubleKind::DailyQuota => {
                "the day's quota is used up (Google's come back at midnight Pacific time); run the same command again after that"
            }
            TroubleKind::NotFound => {
                "check --model and --base-url; 'corpora doctor' tries them; then run the same command again"
            }
            TroubleKind::Unreachable => {
                "check --base-url and the network, and that the server is running; then run the same command again"
            }
            _ => "run 'corpora doctor', then the same command again",
        }
    }
}
