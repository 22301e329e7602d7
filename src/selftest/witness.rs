//! The agent of a self-test: does what its task says, and writes down that it was there.
//!
//! It trusts nothing of the queue: whether another agent works on the same task at the same time it sees by the
//! processes that earlier ones left their names of.

use std::path::{Path, PathBuf};

use crate::domain::process::ProcessIdentity;
use crate::sys::{clock, env, fs, identity, process};

/// The variable that leads to the witnesses' directory; every process of a self-test bears it.
pub const PLACE: &str = "SELFTEST_WITNESS";

/// The agent, from its prompt to its exit code.
pub fn main(prompt: &[u8]) -> u8 {
    let (Some(place), Some(task)) = (env::var(PLACE), env::var("SWARMDIR_TASK")) else { return 3 };
    let place = PathBuf::from(place);
    let text = String::from_utf8_lossy(prompt).into_owned();
    perform(&place, &task, &text).unwrap_or(3)
}

fn perform(place: &Path, task: &str, text: &str) -> fs::Result<u8> {
    let me = identity::me();
    arrive(place, task, &me)?;
    if text.lines().last() != Some("end") {
        fs::mkdirs(&place.join("cut"))?;
        fs::write(&place.join("cut").join(task), text.as_bytes())?;
    }
    let mut code = 0;
    for line in text.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("sleep", ms) => clock::pause_ms(ms.trim().parse().unwrap_or(0)),
            ("write", _) => {
                let dir = env::current_dir().unwrap_or_default();
                fs::write(&dir.join("witness.txt"), task.as_bytes())?;
            }
            ("fail", _) => code = 1,
            ("poison", _) => {
                let worker = identity::parent(me.pid).unwrap_or(0);
                process::signal(worker, process::Signal::SIGKILL);
                clock::pause_ms(60_000);
            }
            _ => {}
        }
    }
    look_around(place, task, &me)?;
    Ok(code)
}

/// Leaves a name, then looks: of two that come at once at least one sees the other.
fn arrive(place: &Path, task: &str, me: &ProcessIdentity) -> fs::Result<()> {
    let dir = place.join("here").join(task);
    fs::mkdirs(&dir)?;
    let name = format!("{}-{}", me.pid, me.start_ticks);
    let staged = dir.join(format!(".{name}"));
    let text = serde_json::to_vec(me).expect("an identity is plain data");
    fs::write(&staged, &text)?;
    // Nobody else moves the staged file, so this rename loses no race.
    let _ = fs::rename(&staged, &dir.join(name))?;
    look_around(place, task, me)
}

fn look_around(place: &Path, task: &str, me: &ProcessIdentity) -> fs::Result<()> {
    let dir = place.join("here").join(task);
    for name in fs::list(&dir)? {
        let Some(bytes) = fs::read_if_any(&dir.join(&name))? else { continue };
        let Ok(other) = serde_json::from_slice::<ProcessIdentity>(&bytes) else { continue };
        if other != *me && process::works(&other) {
            let seen = place.join("overlaps");
            fs::mkdirs(&seen)?;
            fs::write(&seen.join(format!("{task}.{}.{}", other.pid, me.pid)), b"")?;
        }
    }
    Ok(())
}

/// The tasks whose agents were given less than was written.
pub(super) fn cut(place: &Path) -> fs::Result<Vec<String>> {
    let names = fs::list_if_any(&place.join("cut"))?;
    Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// The tasks that two agents worked on at once, as the witnesses saw it.
pub(super) fn overlaps(place: &Path) -> fs::Result<Vec<String>> {
    let names = fs::list_if_any(&place.join("overlaps"))?;
    Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
}
