//! Tests in a process of their own: those that make it a subreaper, or look at all of its children.
//!
//! The test binary runs itself again for one test only. Invariant: the test's body runs exactly once, and
//! what it prints is shown when it fails.

use std::env;
use std::process::{Command, Stdio};

const MARK: &str = "SWARMDIR_TEST_ALONE";

/// The path of the test that this stands in, as the harness calls it.
macro_rules! this_test {
    () => {{
        fn here() {}
        let path = std::any::type_name_of_val(&here);
        path.trim_end_matches("::here").split_once("::").expect("a crate").1
    }};
}
pub(crate) use this_test;

/// Runs `body` as the only test of a new process.
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    if is_inside(test) {
        return body();
    }
    let output = again(test).output().expect("the test binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test}:\n{said}\n{complained}");
    assert!(said.contains("1 passed"), "{test} did not run:\n{said}");
}

/// Whether this is the new process.
pub(crate) fn is_inside(test: &str) -> bool {
    env::var(MARK).is_ok_and(|inside| inside == test)
}

/// The command that runs one test in a new process.
pub(crate) fn again(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this binary has a path"));
    command.args(["--exact", test, "--nocapture"]).env(MARK, test).stdin(Stdio::null());
    command
}
