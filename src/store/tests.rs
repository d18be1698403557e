//! Tests over the whole store; what concerns one room stands in that room.

mod compiled;
mod filled;
#[cfg(target_os = "linux")]
mod locks;
mod order;

pub(in crate::store) use filled::{Filled, done, failed, failure, present};
