//! Power cuts: what was acknowledged is there afterwards, whole, once; and each fsync is needed for that.
//!
//! [`simulated`] goes through the states of a model of the weakest file system ([`disk`]); `docs/durability.md` lists
//! what it shows. [`branch`] asks the same of what git wrote; [`real`] cuts the power of real file systems under the real programs.

mod branch;
mod disk;
pub(crate) mod mount;
mod promise;
mod real;
mod simulated;
mod states;
mod tape;
mod workload;

use std::fmt::Display;
use std::sync::Mutex;

/// A directory that goes away, in memory where that is possible.
fn scratch() -> tempfile::TempDir {
    let fast = std::path::Path::new("/dev/shm");
    let builder = || tempfile::Builder::new();
    if fast.is_dir() { builder().tempdir_in(fast) } else { builder().tempdir() }.unwrap()
}

/// Notes a figure in `target/proof/power.txt`, in place of an earlier one of the same label.
fn proof(label: &str, figure: impl Display) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/proof");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("power.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let others = text.lines().filter(|line| line.split('\t').next() != Some(label));
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    lines.push(format!("{label}\t{figure}"));
    lines.sort();
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}
