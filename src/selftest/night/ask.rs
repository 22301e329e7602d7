//! What anybody is told who asks the program: its own commands, with `--json`.

use std::ffi::OsStr;

use serde_json::Value;

use crate::queue::{QueueError, Result};
use crate::selftest::test_bed::TestBed;
use crate::sys::{env, spawn};

/// Asks `coordinator ARGS --json`.
pub(super) fn ask(bed: &TestBed, args: &[&str]) -> Result<Value> {
    let exe = env::current_exe().map_err(QueueError::machine("find this program"))?;
    let root = bed.repository();
    let all = args.iter().map(OsStr::new).chain(["--json", "--root"].map(OsStr::new));
    let all: Vec<&OsStr> = all.chain([root.as_os_str()]).collect();
    let output = spawn::output(exe.as_os_str(), &all, root, &[])
        .map_err(QueueError::machine("ask the program"))?;
    serde_json::from_slice(&output.stdout).map_err(|e| {
        let asked = args.join(" ");
        QueueError::machine("read an answer")(format!("coordinator {asked} --json: {e}"))
    })
}
