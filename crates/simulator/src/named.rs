//! Enums whose variants can be gone through, so that no list of faults stands in two places.

/// The enum as it is written, with `ALL`.
macro_rules! with_all {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$about])*
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All of them, in the order in which they are written down.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

pub(crate) use with_all;
