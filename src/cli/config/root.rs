//! Which directory is the root.

use std::path::PathBuf;

use super::paths::joined;
use super::settings::Origin;
use super::{Flags, World};
use crate::site::ROOT_MARKS;

/// `--root`, else `$SWARMDIR_ROOT`, else the nearest directory upward with a mark, else the current one. Upward means: not
/// beyond the repository's top or the user's home, and to nothing that a stranger owns.
pub(super) fn find(flags: &Flags, world: &World) -> (PathBuf, Origin) {
    if let Some(root) = &flags.root {
        return (joined(world.cwd, root), Origin::Flag("--root"));
    }
    if let Some(root) = (world.env)("SWARMDIR_ROOT") {
        return (joined(world.cwd, root.as_ref()), Origin::Env("SWARMDIR_ROOT".to_owned()));
    }
    for dir in world.cwd.ancestors() {
        if let Some(mark) = ROOT_MARKS.into_iter().find(|mark| (world.exists)(&dir.join(mark))) {
            // Whoever stands in a directory works in it, whosever it is.
            if dir == world.cwd || (world.admits)(dir, mark) {
                return (dir.to_owned(), Origin::Found(mark));
            }
            break;
        }
        let strangers = dir != world.cwd && !(world.admits)(dir, "");
        if strangers || (world.ends_at)(dir) {
            break;
        }
    }
    (world.cwd.to_owned(), Origin::Default)
}
