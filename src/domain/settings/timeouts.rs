//! Deadlines of an attempt: `[timeouts]`. Pure.

/// Deadlines of an attempt, milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// From spawn to the first event.
    pub startup_ms: u64,
    /// Without any sign of life; extended by announced retry waits.
    pub silence_ms: u64,
    /// The whole attempt; a task's `timeout` overrides it.
    pub wall_ms: u64,
    /// From the result to the process's end.
    pub after_result_ms: u64,
    /// From INT to TERM.
    pub interrupt_grace_ms: u64,
    /// From TERM to KILL.
    pub terminate_grace_ms: u64,
    /// The setup command.
    pub setup_ms: u64,
}

impl Timeouts {
    /// Measured on the real agent: it starts in 0.4 s, beats every 30 s while a command runs, and a dead
    /// stream is silent for up to 300 s before it retries by itself.
    pub const DEFAULT: Timeouts = Timeouts {
        startup_ms: 60_000,
        silence_ms: 900_000,
        wall_ms: 2 * 3_600_000,
        after_result_ms: 30_000,
        interrupt_grace_ms: 10_000,
        terminate_grace_ms: 5_000,
        setup_ms: 600_000,
    };
}
