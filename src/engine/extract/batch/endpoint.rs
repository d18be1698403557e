//! Calls that the driver makes to a batch endpoint: a provider's, or one in memory that a test makes misbehave.

use std::path::Path;

use crate::remote::{BatchSeen, Client, ResultLine, Trouble};

/// The calls of [`Client`] that the ledger's life depends on.
pub(super) trait BatchEndpoint {
    /// Another way to give the schema from now on; false if there is no other.
    fn downgrade(&self) -> bool;

    /// As [`Client::provider_now_ms`].
    fn provider_now_ms(&self) -> Option<i64>;

    /// As [`Client::upload_payload`].
    async fn upload_payload(&self, file: &Path, token: &str) -> Result<Option<String>, Trouble>;

    /// As [`Client::create_batch`].
    async fn create_batch(&self, file: &Path, upload: Option<&str>, token: &str) -> Result<String, Trouble>;

    /// As [`Client::batch`].
    async fn batch(&self, remote: &str) -> Result<BatchSeen, Trouble>;

    /// As [`Client::batches`].
    async fn batches(&self, after: Option<&str>) -> Result<(Vec<BatchSeen>, Option<String>), Trouble>;

    /// As [`Client::read_results`].
    async fn read_results(
        &self,
        place: &str,
        each: &mut dyn FnMut(ResultLine) -> Result<(), String>,
        odd: &mut dyn FnMut(String),
    ) -> Result<(), Trouble>;
}

impl BatchEndpoint for Client {
    fn downgrade(&self) -> bool {
        Self::downgrade(self, self.structured()).is_some()
    }

    fn provider_now_ms(&self) -> Option<i64> {
        Self::provider_now_ms(self)
    }

    async fn upload_payload(&self, file: &Path, token: &str) -> Result<Option<String>, Trouble> {
        Self::upload_payload(self, file, token).await
    }

    async fn create_batch(&self, file: &Path, upload: Option<&str>, token: &str) -> Result<String, Trouble> {
        Self::create_batch(self, file, upload, token).await
    }

    async fn batch(&self, remote: &str) -> Result<BatchSeen, Trouble> {
        Self::batch(self, remote).await
    }

    async fn batches(&self, after: Option<&str>) -> Result<(Vec<BatchSeen>, Option<String>), Trouble> {
        Self::batches(self, after).await
    }

    async fn read_results(
        &self,
        place: &str,
        each: &mut dyn FnMut(ResultLine) -> Result<(), String>,
        odd: &mut dyn FnMut(String),
    ) -> Result<(), Trouble> {
        Self::read_results(self, place, each, odd).await
    }
}
