//! Artifacts: a stage's result of one document, as compressed JSON.

use serde::{Serialize, de::DeserializeOwned};

/// zstd level 3: measured 3.2 times smaller at 138 MB/s on text; level 9 gains 6 % for 4.6 times the time.
const LEVEL: i32 = 3;

/// Compresses a value. Done on the worker, so that the writer thread only copies bytes.
///
/// # Panics
/// If the value cannot be expressed in JSON, which none of ours can be.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let json = serde_json::to_vec(value).expect("our values have string keys and finite numbers");
    zstd::bulk::compress(&json, LEVEL).expect("compressing in memory cannot fail")
}

/// Compresses bytes as they are: for what a provider said.
///
/// # Panics
/// Never: compressing in memory cannot fail.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL).expect("compressing in memory cannot fail")
}

/// Reads back what [`compress`] gave.
///
/// # Errors
/// A sentence, if the bytes are damaged.
pub fn decompress(bytes: &[u8]) -> Result<Vec<u8>, String> {
    zstd::stream::decode_all(bytes).map_err(|e| format!("it does not decompress: {e}"))
}

/// Reads back what [`encode`] gave.
///
/// # Errors
/// A sentence, if the bytes are damaged or of another shape.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let json = zstd::stream::decode_all(bytes).map_err(|e| format!("it does not decompress: {e}"))?;
    serde_json::from_slice(&json).map_err(|e| format!("it is not of the expected shape: {e}"))
}
