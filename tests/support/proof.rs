//! Figures that tests leave in `target/proof`: `.ci/run` shows them all as one table.
//!
//! A figure is written after everything that it counts was asserted, never before.

use std::fmt::Display;
use std::fs;
use std::path::Path;

/// Leaves a figure of one part of the proof, in a file of its own: tests run side by side.
pub(crate) fn proof(part: &str, label: &str, figure: impl Display) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/proof");
    fs::create_dir_all(&dir).unwrap();
    let word: String =
        label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    fs::write(dir.join(format!("{part}.{word}.txt")), format!("{label}\t{figure}\n")).unwrap();
}
