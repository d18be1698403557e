//! Tests over the whole store; what concerns one room stands in that room.

mod compiled;
mod filled;
mod order;

pub(in crate::store) use filled::{Filled, done, failed, failure, present};
