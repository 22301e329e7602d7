//! Words, flags and exit codes: what a person types and reads.

pub mod config;
