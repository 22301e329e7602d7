//! Trust: nothing that came with a clone steers programs until the user has said so.
//!
//! A file *came with a clone* if another user owns it, or git tracks it and its last commit was fetched; anything else is
//! the user's own. Trust is bound to content and place, as direnv binds it: a pull that changes the file, and a copy
//! elsewhere, need it anew. The records lie in the user's state directory, where no clone can bring them; beside them
//! lies what was in force last for each root, so that a change by an agent does not take effect through a restart.
//!
//! It knows paths, owners and git; it does not know what settings say or what a queue is. Invariants: nothing of a
//! repository is executed by looking; a look that fails counts against the file; the user's own files cost one look at
//! the index.
//!
//! Names: `domain`, `git`, `site`, `sys`.

mod any_path;
mod descent;
mod force;
mod git;
mod history;
mod search;
mod store;
mod tasks;
mod tracked;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::domain::trust::{Origin, User, Why, origin};
use crate::sys::{env, fs};

pub use descent::attempt_above;
pub use force::{LastInForce, SettingsInForce};
pub use search::Search;
pub use store::{TrustRecord, TrustStore, TrustStoreError};
pub use tasks::{ClonedTask, TaskOrigins, brought_by_clone};

/// Links from a name to its file, at most; as the kernel follows them.
const MOST_LINKS: usize = 40;

/// Whose a file is: judged by every name on the way to it, links included.
pub fn origin_of(path: &Path) -> Origin {
    let names = match names_to(path) {
        Ok(names) => names,
        Err(why) => return Origin::CameWithClone(Why::Unknown(why)),
    };
    let user = env::user();
    let judged = names.iter().map(|name| judge(user, name));
    judged.into_iter().find(|found| *found != Origin::Own).unwrap_or(Origin::Own)
}

/// As [`origin_of`] for a program: what the system's own user installed is nobody's clone.
pub fn origin_of_program(path: &Path) -> Origin {
    match origin_of(path) {
        Origin::CameWithClone(Why::Owner { uid: 0 }) => Origin::Own,
        found => found,
    }
}

/// Git is asked only where the owner is ours.
fn judge(user: User, name: &PathStep) -> Origin {
    // Links that make up the machine (`/home`, `/tmp`) are the system's.
    let systems = name.leads_on && name.owner == 0;
    if !systems && !user.owns(name.owner) {
        return Origin::CameWithClone(Why::Owner { uid: name.owner });
    }
    origin(user, user.uid, tracked::tracked(&name.path))
}

/// A link, or the file at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
struct PathStep {
    /// In a directory without links.
    path: PathBuf,
    owner: u32,
    /// It is a link to a directory on the way.
    leads_on: bool,
}

/// When any name on the way to a file was last changed, nanoseconds since 1970; `None` where it is gone.
pub fn changed_at(path: &Path) -> Option<i128> {
    let names = names_to(path).ok()?;
    let times = names.iter().filter_map(|name| Some(fs::ctime_ns(&fs::look(&name.path).ok()??)));
    times.max()
}

/// The names that lead to a file: the links, then the file.
fn names_to(path: &Path) -> Result<Vec<PathStep>, String> {
    let mut names = Vec::new();
    // What is left of the way, the next component last.
    let mut left: Vec<PathBuf> = components(path);
    let mut at = PathBuf::from("/");
    while let Some(next) = left.pop() {
        if next == Path::new("..") {
            at.pop();
            continue;
        }
        let name = at.join(&next);
        let meta = fs::look(&name).map_err(|e| e.to_string())?;
        let meta = meta.ok_or_else(|| format!("{} is not there", name.display()))?;
        if meta.is_symlink() {
            let leads_on = !left.is_empty();
            names.push(PathStep { path: name.clone(), owner: fs::owner(&meta), leads_on });
            if names.len() > MOST_LINKS {
                return Err(format!("{} leads through too many links", path.display()));
            }
            let target = fs::read_link(&name).map_err(|e| e.to_string())?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            left.extend(components(&target));
        } else {
            at = name;
            if left.is_empty() {
                names.push(PathStep { path: at.clone(), owner: fs::owner(&meta), leads_on: false });
            }
        }
    }
    Ok(names)
}

/// The components of a path, the last first, without the root and `.`.
fn components(path: &Path) -> Vec<PathBuf> {
    use std::path::Component::{CurDir, RootDir};
    let parts = path.components().filter(|part| !matches!(part, RootDir | CurDir));
    let mut parts: Vec<PathBuf> = parts.map(|part| PathBuf::from(part.as_os_str())).collect();
    parts.reverse();
    parts
}

pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_file_names_its_links_and_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| fs::canonical(dir.path()).unwrap().join(name);
        fs::mkdirs(&at("real/deep")).unwrap();
        fs::write(&at("real/deep/file"), b"x").unwrap();
        fs::symlink(Path::new("real"), &at("link")).unwrap();
        fs::symlink(Path::new("../link/deep/./file"), &at("real/again")).unwrap();
        let way = |name: &str| names_to(&at(name)).map(|n| n.into_iter().map(|n| n.path).collect());
        assert_eq!(way("real/deep/file"), Ok(vec![at("real/deep/file")]));
        let expected = ["link", "real/again", "link", "real/deep/file"].map(at).to_vec();
        assert_eq!(way("link/again"), Ok(expected));
        fs::symlink(Path::new("loop"), &at("loop")).unwrap();
        assert!(names_to(&at("loop")).is_err() && names_to(&at("none")).is_err());
    }

    #[test]
    fn digests_are_those_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest(b""), empty);
    }
}
