//! What steers a pool: pause, resume, scale.

use std::path::Path;

use super::authorize::{Action, Permitted};
use super::coordinating::{Coordinating, coordinating};
use super::error::{CommandError, ErrorKind};
use crate::site::Site;
use crate::sys::fs;

/// Nobody claims any more; with `now` what runs is stopped, its work kept.
pub fn pause(
    permitted: &Permitted,
    root: &Path,
    reason: Option<&str>,
    now: bool,
) -> Result<(), CommandError> {
    permitted.require(Action::Pause)?;
    let first = if now { "now\n" } else { "" };
    let text = format!("{first}{}\n", reason.unwrap_or_default());
    Ok(fs::write_with_umask(&Site::at(root).interrupt(), text.as_bytes())?)
}

/// Claims go on. False: nothing was paused.
pub fn resume(permitted: &Permitted, root: &Path) -> Result<bool, CommandError> {
    permitted.require(Action::Resume)?;
    Ok(fs::unlink(&Site::at(root).interrupt())?)
}

/// The coordinator keeps so many workers from now on. Returns who coordinates.
pub fn scale(
    permitted: &Permitted,
    root: &Path,
    agents: u32,
) -> Result<Coordinating, CommandError> {
    permitted.require(Action::Scale)?;
    let coordinating = coordinating(root)?;
    if matches!(coordinating, Coordinating::Nobody) {
        return Err(CommandError::new(ErrorKind::Missing, "no coordinator runs here")
            .hint(format!("coordinator --agents {agents}")));
    }
    let path = Site::at(root).scale();
    let staged = path.with_extension("new");
    fs::write(&staged, format!("{agents}\n").as_bytes())?;
    // Nobody else moves the staged file, so this rename loses no race.
    let _ = fs::rename(&staged, &path)?;
    Ok(coordinating)
}
