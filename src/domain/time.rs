//! Calendar time as a number.
//!
//! Milliseconds since 1970 (UTC). For people and for "not before" only: no decision about who owns
//! what compares two machines' clocks.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMs(pub u64);

impl UnixMs {
    /// The whole second at or after this instant: a wait that ends then has not ended too early.
    pub fn secs_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// From whole seconds.
    pub fn from_secs(secs: u64) -> UnixMs {
        UnixMs(secs.saturating_mul(1000))
    }

    /// Later by so many milliseconds.
    pub fn plus_ms(self, ms: u64) -> UnixMs {
        UnixMs(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here, 0 if that is in the future.
    pub fn since(self, earlier: UnixMs) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
