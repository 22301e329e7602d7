//! Who may read the queue and what lies beside it, and whether a group that is to share it can.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::domain::settings::choice::Share;
use crate::domain::settings::config::Config;
use crate::git::Repo;
use crate::site::{self, Dir, Site};
use crate::sys::{fs, identity};
use crate::worktree::TreePool;

/// Where our own state lies beside the queue: what holds logs, trees and scratch directories.
pub fn state_dirs(config: &Config) -> Vec<PathBuf> {
    let repositories =
        config.repositories().into_iter().filter_map(|path| Repo::discover(&path).ok());
    let host = identity::host();
    let forests =
        repositories.map(|repo| TreePool::new(repo, config.trees.clone(), &host).dir().to_owned());
    let scratch = config.trees.is_none().then(|| site::scratch_dir(config));
    let mut places = vec![Site::at(&config.root).state_dir()];
    places.extend(forests.chain(scratch));
    places.sort();
    places.dedup();
    places
}

pub(super) fn examine(config: &Config) -> Finding {
    let shared = fs::is_shared_with_group();
    let of_queue = Site::at(&config.root).queue_paths();
    let queue = of_queue.root().to_owned();
    let below: Vec<PathBuf> = Dir::ALL.iter().map(|dir| of_queue.dir(*dir)).collect();
    // Nobody reads what lies in a directory that he may not enter.
    let entered = fs::dir_amiss(&queue).open;
    let beside = state_dirs(config);
    let open: Vec<&Path> = below
        .iter()
        .filter(|_| entered)
        .chain(&beside)
        .filter(|dir| fs::dir_amiss(dir).open)
        .map(PathBuf::as_path)
        .collect();
    if !open.is_empty() {
        let who = if shared { "other users" } else { "the group or other users" };
        let mode = if shared { "o=" } else { "go=" };
        let found = format!("{who} may read {}", list(&config.root, &open));
        let command = format!("chmod {mode} {}", paths(&open));
        let mend = match (shared, config.share) {
            (false, None) => format!("{command}; or share = \"group\" in swarm.toml"),
            _ => command,
        };
        return Finding::warning("access", found, mend);
    }
    let all = std::iter::once(&queue).chain(&below).chain(&beside);
    let shut: Vec<&Path> =
        all.filter(|dir| fs::dir_amiss(dir).shut).map(PathBuf::as_path).collect();
    if !shut.is_empty() {
        let found = format!("it is shared, and the group cannot use {}", list(&config.root, &shut));
        let mend = format!("chmod -R g+rwX {}; chmod g+s {}", paths(&shut), paths(&shut));
        return Finding::warning("access", found, mend);
    }
    Finding::good(
        "access",
        match (shared, config.share) {
            (false, _) => "prompts, transcripts and logs are read by their owner alone",
            (true, Some(Share::Group)) => {
                "prompts, transcripts and logs are read by their owner and the group"
            }
            (true, _) => {
                "prompts, transcripts and logs are read by their owner and the group, as in the repository"
            }
        },
    )
}

fn list(root: &Path, dirs: &[&Path]) -> String {
    let shown = |dir: &&Path| dir.strip_prefix(root).unwrap_or(dir).display().to_string();
    dirs.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn paths(dirs: &[&Path]) -> String {
    let quoted = |dir: &&Path| crate::shape::paste::quoted(&dir.to_string_lossy());
    dirs.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
