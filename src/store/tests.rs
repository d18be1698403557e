//! Tests over the whole store; what concerns one room stands in that room.

mod compiled;
