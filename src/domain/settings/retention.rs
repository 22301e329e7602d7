//! What `gc` leaves: `[gc]`. Pure.

/// What housekeeping leaves of what is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keep {
    /// Nothing younger goes because of its age, days.
    pub days: u32,
    /// Ended tasks, the newest.
    pub count: u32,
    /// All together, bytes; `None`: any size.
    pub bytes: Option<u64>,
}

impl Keep {
    /// A month, ten thousand tasks, fifty gibibytes.
    pub const DEFAULT: Keep = Keep { days: 30, count: 10_000, bytes: Some(50 << 30) };
}
