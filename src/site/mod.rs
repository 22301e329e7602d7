//! Where everything of a root lies. Every other room asks here and spells none of these names.
//!
//! ```text
//! swarm.toml                       settings              interrupt   there while the swarm is paused
//! queue/                           [`QueuePaths`]: the protocol, queue/README.md
//! queue/runs/T/                    [`RunPaths`]: a task's record and what is noted about it
//! queue/runs/T/e.W/                [`AttemptPaths`]: the files of one attempt
//! .swarmdir/queue-id               which queue this root had, and where
//! .swarmdir/scale                  how many workers `scale` asked for
//! .swarmdir/coordinator.lock, locks/, log/
//! ```
//!
//! Invariant: pure; paths are put together, and nothing is looked at.
//!
//! Names: `domain`.

mod queue;

use std::path::{Path, PathBuf};

pub use queue::{AttemptPaths, Dir, QueuePaths, REPORT, RunPaths};

use crate::domain::settings::config::Config;

/// The file of settings.
pub const SETTINGS: &str = "swarm.toml";
const QUEUE: &str = "queue";
/// While it is there, nothing new begins.
pub const INTERRUPT: &str = "interrupt";
const STATE: &str = ".swarmdir";

/// What the program puts into a checkout, and git must leave alone.
pub const UNVERSIONED: [&str; 3] = [QUEUE, INTERRUPT, STATE];

/// The same as patterns of a file that git reads.
pub const IGNORED: [&str; 3] = ["queue/", INTERRUPT, ".swarmdir/"];

/// Names in a queue that say nothing of tasks that are under way.
pub const NO_TASK_STATE: [&str; 3] = ["pending", "log", "FORMAT"];

/// What marks a directory as a root, in the order in which it is looked for.
pub const ROOT_MARKS: [&str; 3] = [SETTINGS, "queue/FORMAT", "queue/pending"];

/// The paths of a root.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    root: &'a Path,
}

impl<'a> Site<'a> {
    /// Of this root.
    pub fn at(root: &'a Path) -> Site<'a> {
        Site { root }
    }

    /// The file of settings.
    pub fn settings(self) -> PathBuf {
        self.root.join(SETTINGS)
    }

    /// While it is there, nothing new begins.
    pub fn interrupt(self) -> PathBuf {
        self.root.join(INTERRUPT)
    }

    /// The queue's directory.
    pub fn queue(self) -> PathBuf {
        self.root.join(QUEUE)
    }

    /// What is in it.
    pub fn queue_paths(self) -> QueuePaths {
        QueuePaths::new(self.queue())
    }

    /// What this machine keeps beside the queue.
    pub fn state_dir(self) -> PathBuf {
        self.root.join(STATE)
    }

    /// Which queue this root had, and where it lay.
    pub fn queue_id(self) -> PathBuf {
        self.state_dir().join("queue-id")
    }

    /// How many workers `scale` asked for.
    pub fn scale(self) -> PathBuf {
        self.state_dir().join("scale")
    }

    /// Held by the coordinator of this root.
    pub fn coordinator_lock(self) -> PathBuf {
        self.state_dir().join("coordinator.lock")
    }

    /// Logs of the coordinator's workers.
    pub fn logs(self) -> PathBuf {
        self.state_dir().join("log")
    }

    /// Locks that the workers of this root and machine share.
    pub fn locks(self) -> PathBuf {
        self.state_dir().join("locks")
    }

    /// Beside the root: where trees and scratch directories live that no setting puts elsewhere.
    pub fn beside(self) -> PathBuf {
        let mut name = self.root.file_name().unwrap_or("root".as_ref()).to_owned();
        name.push(STATE);
        self.root.with_file_name(name)
    }
}

/// Where work under these settings takes room, and whether trees are made there.
pub fn disk_places(config: &Config) -> Vec<(PathBuf, bool)> {
    let mut places = vec![(Site::at(&config.root).queue(), false)];
    places.extend(config.trees.clone().map(|dir| (dir, true)));
    for repository in config.repositories() {
        let beside = repository.parent().map(PathBuf::from).filter(|_| config.trees.is_none());
        places.extend(beside.map(|dir| (dir, true)));
        // Objects of what agents commit.
        places.push((repository, false));
    }
    places
}

/// Where scratch directories live: with the trees, or beside the root.
pub fn scratch_dir(config: &Config) -> PathBuf {
    config.trees.clone().unwrap_or_else(|| Site::at(&config.root).beside())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::repositories::RigProfile;

    #[test]
    fn every_path_of_a_root() {
        let site = Site::at(Path::new("/a/site"));
        for (path, written) in [
            (site.settings(), "/a/site/swarm.toml"),
            (site.interrupt(), "/a/site/interrupt"),
            (site.queue(), "/a/site/queue"),
            (site.queue_paths().format(), "/a/site/queue/FORMAT"),
            (site.state_dir(), "/a/site/.swarmdir"),
            (site.queue_id(), "/a/site/.swarmdir/queue-id"),
            (site.scale(), "/a/site/.swarmdir/scale"),
            (site.coordinator_lock(), "/a/site/.swarmdir/coordinator.lock"),
            (site.logs(), "/a/site/.swarmdir/log"),
            (site.locks(), "/a/site/.swarmdir/locks"),
            (site.beside(), "/a/site.swarmdir"),
            (Site::at(Path::new("/")).beside(), "/root.swarmdir"),
        ] {
            assert_eq!(path, Path::new(written));
        }
    }

    #[test]
    fn trees_lie_beside_each_repository_or_where_the_settings_say() {
        let mut config = Config::built_in("/a/root".into(), &[]);
        let rig = RigProfile { path: "/b/rig".into(), setup: None };
        config.rigs.insert("rig".into(), rig);
        let shown = |config: &Config| -> Vec<String> {
            let places = disk_places(config).into_iter();
            places
                .map(|(path, trees)| {
                    format!("{}{}", path.display(), if trees { " trees" } else { "" })
                })
                .collect()
        };
        let beside = ["/a/root/queue", "/a trees", "/a/root", "/b trees", "/b/rig"];
        assert_eq!(shown(&config), beside);
        assert_eq!(scratch_dir(&config), PathBuf::from("/a/root.swarmdir"));
        config.trees = Some("/trees".into());
        assert_eq!(shown(&config), ["/a/root/queue", "/trees trees", "/a/root", "/b/rig"]);
        assert_eq!(scratch_dir(&config), PathBuf::from("/trees"));
    }
}
