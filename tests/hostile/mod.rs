//! Hostile input: task files, streams, settings and names that somebody made on purpose.

mod files;
mod options;
mod properties;
mod replay;
mod terminal;
