//! `extract` through a provider's batch endpoint: everything that has no answer is packed into a few large batches at half the
//! price. A batch and its whole list of requests are durable before anything is sent; what happened to a creation that was cut
//! off is found out at the provider, never guessed.

mod collect;
mod creations;
mod decide;
mod driver;
mod endpoint;
pub(in crate::engine) mod expiry;
mod import;
mod owed;
mod pack;
mod patience;
pub(in crate::engine) mod probe;
mod rounds;
mod search;
mod standing;
mod submit;
#[cfg(test)]
mod tests;
mod waiting;

pub(in crate::engine) use self::rounds::extract;
pub(in crate::engine) use self::standing::{left_open, settle_open_batches};
