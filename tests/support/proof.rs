//! Figures that tests leave in `target/proof`, a file a part: `.ci/run` shows them all as one table.
//!
//! A figure is written after everything that it counts was asserted, never before.

use std::fmt::Display;
use std::fs;
use std::path::Path;

/// Adds a figure of one part of the proof; a part that runs again replaces what it said of the same thing.
pub(crate) fn proof(part: &str, label: &str, figure: impl Display) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/proof");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{part}.txt"));
    let before = fs::read_to_string(&path).unwrap_or_default();
    let own = format!("{label}\t");
    let mut lines: Vec<String> =
        before.lines().filter(|line| !line.starts_with(&own)).map(str::to_owned).collect();
    lines.push(format!("{own}{figure}"));
    fs::write(path, lines.join("\n") + "\n").unwrap();
}
