//! What an agent says on standard output, line by line, whichever program it is: the programs' parsers give these values.
//!
//! Pure: bytes in, values out. The stream is never trusted: any line may be cut, huge, not text or not
//! JSON, and types, subtypes and keys that are unknown are passed over. Invariant: memory is bounded by
//! [`MAX_LINE_BYTES`], whatever comes.
//!
//! Names: none.

mod line;
mod render;
mod split;
mod summary;

pub use line::{
    ApiError, Block, Final, Line, MAX_TEXT_CHARS, Message, ModelShare, RateLimit, Tokens,
};
pub use render::{brief, render};
pub use split::{MAX_LINE_BYTES, Splitter};
pub use summary::{Price, Summary};
