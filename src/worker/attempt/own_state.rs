//! Whether an agent touched what swarmdir keeps beside the queue (`.swarmdir`), to tell people of it.
//!
//! Two looks and their difference; nothing is decided by it. Logs and locks in there change all the time and are not
//! looked at.

use std::path::Path;

use crate::site::Site;
use crate::sys::fs;

/// What is compared: which directory it is, and whose queue it says this is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OwnState {
    dir: Option<(u64, u64)>,
    queue_id: Option<Vec<u8>>,
}

impl OwnState {
    /// Looks; what cannot be read counts as gone.
    pub(super) fn look(root: &Path) -> OwnState {
        let site = Site::at(root);
        OwnState {
            dir: fs::look(&site.state_dir()).ok().flatten().map(|meta| fs::file_id(&meta)),
            queue_id: fs::read_if_any(&site.queue_id()).ok().flatten(),
        }
    }

    /// What is different, one line each.
    pub(super) fn changes(before: &OwnState, after: &OwnState) -> Vec<String> {
        let mut lines = Vec::new();
        match (before.dir, after.dir) {
            (was, is) if was == is => {}
            (_, None) => lines.push(".swarmdir was removed".to_owned()),
            _ => lines.push(".swarmdir was replaced by something else".to_owned()),
        }
        if before.queue_id != after.queue_id {
            lines.push(".swarmdir/queue-id has another content, or is gone".to_owned());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_did_is_told() {
        let root = tempfile::tempdir().unwrap();
        let dir = Site::at(root.path()).state_dir();
        let said = |act: &dyn Fn()| {
            let before = OwnState::look(root.path());
            act();
            OwnState::changes(&before, &OwnState::look(root.path())).join("; ")
        };
        fs::mkdir(&dir).unwrap();
        fs::write(&dir.join("queue-id"), b"one").unwrap();
        assert_eq!(said(&|| fs::write(&dir.join("log"), b"x").unwrap()), "");
        let told = said(&|| fs::write(&dir.join("queue-id"), b"two").unwrap());
        assert_eq!(told, ".swarmdir/queue-id has another content, or is gone");
        let told = said(&|| {
            // Only this process uses it: this rename loses no race.
            let _ = fs::rename(&dir, &root.path().join("aside")).unwrap();
            fs::symlink(Path::new("aside"), &dir).unwrap();
        });
        assert_eq!(told, ".swarmdir was replaced by something else");
        let told = said(&|| assert!(fs::unlink(&dir).unwrap()));
        assert!(told.starts_with(".swarmdir was removed"), "{told}");
    }
}
