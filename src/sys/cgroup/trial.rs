//! The proof that groups work here: a process that does nothing is put into one, and killed as a whole.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;

use super::{Cgroup, CgroupLimits, CgroupSupport, level};
use crate::sys::env::find_program;
use crate::sys::grace::Grace;
use crate::sys::process::Signal;
use crate::sys::random;
use crate::sys::spawn::{SpawnRequest, spawn_in};

/// The trial's child has to be dead so soon, milliseconds.
const PATIENCE_MS: u64 = 2_000;
const HELD: CgroupLimits = CgroupLimits { memory: Some(64 << 20), processes: Some(16) };

/// What can be had, after it was tried for real. The child dies with the calling thread at the latest.
pub fn trial() -> Result<CgroupSupport, String> {
    let level = level()?;
    let group =
        Cgroup::make(&format!("{:032x}", random::number()), true).map_err(|e| e.to_string())?;
    let entrance = group.hold(HELD).map_err(|e| e.to_string())?;
    let sleep = find_program("sleep").ok_or("there is no sleep to try it with")?;
    let order = SpawnRequest {
        program: &sleep,
        argv0: OsStr::new("sleep"),
        args: &[OsString::from("60")],
        env: &[],
        cwd: Path::new("/"),
        stdin: b"",
        stderr: File::open("/dev/null").map_err(|e| e.to_string())?,
        death_signal: Signal::SIGKILL,
        rlimits: &[],
    };
    let mut child = spawn_in(&entrance, &order).map_err(|e| e.to_string())?;
    let killed = group.kill(&mut Grace::none(), PATIENCE_MS);
    if killed.left > 0 || !killed.pids.contains(&child.pid()) {
        return Err("what is in a group could not be killed".to_owned());
    }
    child.reap();
    Ok(level)
}
