//! Finds the real `claude` for the tests that run it. Knows nothing of how it is run.
//!
//! Invariant: a test without the binary never passes unseen: it fails on CI and leaves a line
//! in the terminal elsewhere.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A path here is taken as it is.
const OVERRIDE: &str = "SWARMDIR_TEST_CLAUDE";
const ABSENT: &str = "the real `claude` is absent: run `scripts/get-claude` (about 360 MiB in \
    target/claude), or put it on PATH, or name it in SWARMDIR_TEST_CLAUDE";

/// The binary named by `SWARMDIR_TEST_CLAUDE`, or the pinned one that `scripts/get-claude` installs, or
/// `claude` on `PATH`.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(path) = env::var_os(OVERRIDE).map(PathBuf::from) {
        assert!(path.is_file(), "{OVERRIDE} names {path:?}, which is not a file");
        return Some(path);
    }
    let search = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&search).map(|folder| folder.join("claude"));
    std::iter::once(installed()).chain(on_path).find(|path| path.is_file())
}

/// As [`find`]; where there is none, panics on CI and otherwise tells the terminal, past the
/// capture of the test harness, that a test is skipped.
///
/// ```ignore
/// let Some(claude) = claude::required() else { return };
/// ```
pub(crate) fn required() -> Option<PathBuf> {
    let found = find();
    if found.is_none() {
        assert!(env::var_os("CI").is_none(), "{ABSENT}");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let line = format!("\n*** SKIPPED {test}: {ABSENT} ***\n");
        // A terminal that is gone is no reason to fail.
        let _ = io::stderr().write_all(line.as_bytes());
    }
    found
}

/// Where `scripts/get-claude` puts it.
fn installed() -> PathBuf {
    let package = match env::consts::ARCH {
        "aarch64" => "claude-code-linux-arm64",
        _ => "claude-code-linux-x64",
    };
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/claude/node_modules");
    modules.join("@anthropic-ai").join(package).join("claude")
}
