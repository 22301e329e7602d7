//! Settings that a command writes: loaded, as every later command will load them, before they get their name.
//!
//! It knows nothing of what they say. Invariant: under the name of the settings stands what this very program reads
//! without a complaint, or nothing of ours; a file that is there already is never touched.

use std::fmt;
use std::path::Path;

use super::trusted::load_reading;
use super::{ConfigError, Flags, Loaded};
use crate::site::{SETTINGS, Site};
use crate::sys::fs::{self, FsError, Linked};
use crate::sys::random;

/// Why they were not written.
#[derive(Debug)]
pub enum WriteError {
    /// The system would not do it.
    Fs(FsError),
    /// They do not load.
    Config(ConfigError),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Fs(e) => e.fmt(f),
            WriteError::Config(e) => {
                write!(f, "{:?} is not written, as it would not load: {e}", e.path)
            }
        }
    }
}

impl std::error::Error for WriteError {}

impl From<FsError> for WriteError {
    fn from(e: FsError) -> WriteError {
        WriteError::Fs(e)
    }
}

/// Writes the settings of a root that has none: aside, loaded, then named. `None`: it has some, which stay.
pub fn write_new(root: &Path, text: &str) -> Result<Option<Loaded>, WriteError> {
    let path = Site::at(root).settings();
    if fs::exists(&path) {
        return Ok(None);
    }
    let staged = root.join(format!(".{SETTINGS}.{:016x}", random::number()));
    let placed = place(root, text, &staged, &path);
    // Whatever came of it; what cannot be removed is a hidden file that nobody reads.
    fs::unlink(&staged).ok();
    placed
}

fn place(
    root: &Path,
    text: &str,
    staged: &Path,
    path: &Path,
) -> Result<Option<Loaded>, WriteError> {
    let file = fs::create_new(staged)?;
    fs::write_all(&file, staged, text.as_bytes())?;
    fs::sync_file(&file, staged)?;
    let flags = Flags { root: Some(root.to_owned()), ..Flags::default() };
    let loaded = load_reading(&flags, &|wanted| {
        let from = if wanted == path { staged } else { wanted };
        fs::read_if_any(from).map_err(|error| error.to_string())
    })
    .map_err(WriteError::Config)?;
    // A link, as a rename would replace what somebody else has written meanwhile.
    Ok((fs::link(staged, path)? == Linked::Made).then_some(loaded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(root: &Path) -> Vec<std::ffi::OsString> {
        fs::list(root).expect("listed")
    }

    #[test]
    fn what_loads_is_written_whole_and_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = fs::canonical(dir.path()).expect("real");
        let loaded = write_new(&root, "agents = 7\n").expect("written").expect("new");
        assert_eq!(loaded.config.agents, 7);
        assert!(write_new(&root, "agents = 8\n").expect("kept").is_none());
        assert_eq!(fs::read_text(&Site::at(&root).settings()).expect("there"), "agents = 7\n");
        assert_eq!(left(&root), [SETTINGS]);
    }

    #[test]
    fn what_does_not_load_is_told_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = fs::canonical(dir.path()).expect("real");
        for (bad, said) in [
            ("[agent.claude]\n[agent.claude]\n", "duplicate key"),
            ("agents = 0\n", "agents"),
            ("agents = 3", ""),
            ("\u{0}", "line 1"),
            ("default_agent = \"nobody\"\n", "nobody"),
        ] {
            match write_new(&root, bad) {
                Err(e) => {
                    let told = e.to_string();
                    assert!(told.contains("is not written") && told.contains(said), "{told}");
                    assert!(left(&root).is_empty(), "{bad:?}");
                }
                Ok(_) => assert_eq!(bad, "agents = 3", "no line end is no mistake"),
            }
            fs::unlink(&Site::at(&root).settings()).expect("removed");
        }
    }
}
