//! The words between the parts of a supervisor: what a line of an agent means for its life, and why it is stopped.

/// Who wants it stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopReason {
    /// A person or a shutdown ends the worker.
    Operator,
    /// The task was cancelled.
    Cancelled,
    /// The task is no longer ours.
    LostClaim,
    /// The disk is nearly full: its work is saved while there is room for that.
    NoRoom,
}

/// Why it was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Why {
    Startup,
    Silent,
    /// Silent after an announced wait for the service.
    Unanswered,
    Timeout,
    /// The result came and the process stayed.
    Lingering,
    Asked(StopReason),
    /// Its output can no longer be recorded: the disk is full.
    DiskFull,
    /// It wrote more than it may.
    Runaway,
    Killed,
}

/// What a line means for its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Sign {
    /// None of those that its program writes.
    Noise,
    /// A turn begins: also one after a result.
    Turn,
    /// It says something new.
    Event,
    /// It lives, and says no more than that.
    Beat,
    /// It waits for so long and says nothing.
    Retry {
        delay_ms: u64,
    },
    Result,
}
