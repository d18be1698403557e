//! The version of the stage.

/// Version of extraction planning and of the item shape.
pub const VERSION: u32 = 4;
