//! How text looks on a terminal: colour, columns, durations and money.
//!
//! Pure: it may not know a terminal, a clock or a queue; the caller says whether colour is wanted. All that
//! shows something to people (`status`, `doctor`, `cli`) uses it, so that a state looks the same everywhere.
//!
//! Names: `domain`.

pub(crate) mod columns;
pub(crate) mod paste;
pub mod style;
