//! The place: file system, disk, wake-ups, git and the checkout.

use std::path::Path;

use super::capacity;
use super::finding::Finding;
use super::trust::within_repository;
use crate::domain::settings::choice::Durability;
use crate::domain::settings::config::Config;
use crate::git::{GitError, Repo};
use crate::queue::{Queue, QueueError};
use crate::site::{Site, UNVERSIONED};
use crate::sys::watch::FileWatch;
use crate::sys::{disk, env, fs, random, tool};

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![root(config), links(config), file_system(config)];
    findings.extend(capacity::examine(config));
    findings.push(wake_ups(config));
    findings.push(git(config));
    findings.extend(repositories(config));
    findings
}

fn root(config: &Config) -> Finding {
    let path = config.root.display();
    if fs::is_writable(&config.root) {
        Finding::good("root", path.to_string())
    } else {
        Finding::missing(
            "root",
            format!("{path} is not writable"),
            "another --root, or other permissions",
        )
    }
}

fn links(config: &Config) -> Finding {
    let good = |what: &str| Finding::good("hard links", what);
    let none = "links and renames work here; there is no queue yet: coordinator init";
    let tried = match Queue::of_root(&config.root, config.durability) {
        Ok(_) => Queue::of_root_or_made(&config.root, config.durability)
            .map(|_| good("links and renames work in queue/")),
        Err(QueueError::Absent { .. }) => {
            a_queue_for_a_moment(config).map(|()| Finding::note("hard links", none.to_owned()))
        }
        Err(e) => Err(e),
    };
    match tried {
        Ok(finding) => finding,
        Err(e) => {
            let mend = e.hint().unwrap_or_else(|| "another --root".into());
            Finding::missing("hard links", e.to_string(), mend)
        }
    }
}

/// Whether one can be made here, without leaving it.
fn a_queue_for_a_moment(config: &Config) -> Result<(), QueueError> {
    let dir = config.root.join(format!(".swarmdir-doctor-{:016x}", random::number()));
    let made = Queue::open_or_make(&Site::at(&dir).queue(), config.durability).map(drop);
    // Where nothing could be made nothing is to be removed.
    fs::remove_tree(&dir).ok();
    made
}

fn file_system(config: &Config) -> Finding {
    let durability = match config.durability {
        Durability::Strict => "durability strict: what is acknowledged survives a power cut",
        Durability::Relaxed => "durability relaxed: a power cut may take the last seconds",
    };
    match disk::kind(&config.root) {
        Some(kind @ ("nfs" | "cifs" | "9p")) => Finding::warning(
            "file system",
            format!("{kind}: wake-ups from other machines are polled for"),
            "use NFS 4.2; workers of several machines may share the queue",
        ),
        Some(kind @ ("fuse" | "fat")) => Finding::warning(
            "file system",
            format!("{kind}: renames may not be atomic here"),
            "put the queue on a local file system: --root DIR",
        ),
        kind => Finding::good("file system", format!("{}; {durability}", kind.unwrap_or("local"))),
    }
}

fn wake_ups(config: &Config) -> Finding {
    let watched = FileWatch::new(|| {}).is_some_and(|mut watch| watch.add(&config.root));
    if watched {
        Finding::good("inotify", "dropped files are seen at once")
    } else {
        Finding::warning(
            "inotify",
            "no watches left: dropped files are looked for once a second",
            "sysctl fs.inotify.max_user_instances=1024",
        )
    }
}

fn git(config: &Config) -> Finding {
    if let Some(found) = within_repository("git", &config.root) {
        let found =
            format!("{} lies in the repository: it was not asked for its version", found.display());
        return Finding::warning("git", found, "take that directory out of PATH");
    }
    match tool::first_line("git", &["--version"]) {
        Some(version) => Finding::good("git", version),
        None => Finding::missing("git", "there is no git on PATH", "install git"),
    }
}

fn repositories(config: &Config) -> Vec<Finding> {
    let mut paths: Vec<&Path> = config.rigs.values().map(|rig| rig.path.as_path()).collect();
    if config.rig.is_none() {
        paths.insert(0, &config.root);
    }
    let worktrees = config.profiles.get(&config.agent).is_none_or(|profile| profile.worktree);
    paths.into_iter().flat_map(|path| repository(config, path, worktrees)).collect()
}

/// What is special about it, as git tells; a git that lies in the repository is not asked.
fn special(config: &Config, repo: &Repo) -> Vec<Finding> {
    if within_repository("git", &config.root).is_some() {
        return Vec::new();
    }
    let lines = crate::git::doctor::warnings(repo);
    lines.into_iter().map(|line| Finding::note("repository", line)).collect()
}

fn repository(config: &Config, path: &Path, needed: bool) -> Vec<Finding> {
    let repo =
        match Repo::discover(path).and_then(|repo| repo.resolve(None).map(|base| (repo, base))) {
            Ok((repo, base)) => {
                let found = format!(
                    "{} at {} ({})",
                    path.display(),
                    base.name,
                    &base.oid[..base.oid.len().min(10)]
                );
                return std::iter::once(Finding::good("repository", found))
                    .chain(hidden(config, &repo))
                    .chain(special(config, &repo))
                    .chain(std::iter::once(trees(config, &repo)))
                    .collect();
            }
            Err(e) => e,
        };
    let mend = repo.hint().unwrap_or_else(|| "name another one: [rig.NAME] in swarm.toml".into());
    vec![if needed {
        Finding::missing("repository", repo.to_string(), mend)
    } else {
        Finding::note("repository", format!("{repo}; the default agent needs none"))
    }]
}

/// `git clean` and `git stash -u` must not take the queue away.
fn hidden(config: &Config, repo: &Repo) -> Option<Finding> {
    let checkout = repo.checkout()?;
    let below = config.root.strip_prefix(checkout).ok()?;
    let seen: Vec<String> = UNVERSIONED
        .iter()
        .map(|name| below.join(name))
        .filter(|path| !repo.ignores(path))
        .map(|path| path.display().to_string())
        .collect();
    Some(if seen.is_empty() {
        Finding::good("checkout", "git clean and git stash -u leave the queue alone")
    } else {
        let found = format!("git clean or git stash -u would take away: {}", seen.join(", "));
        Finding::warning("checkout", found, "coordinator init")
    })
}

fn trees(config: &Config, repo: &Repo) -> Finding {
    let dir = config.trees.clone().unwrap_or_else(|| repo.default_trees_dir());
    if config.trees.is_none() && fs::is_link(&dir) {
        let link = GitError::TreesAreALink { path: dir };
        return Finding::missing("trees", link.to_string(), link.hint().unwrap_or_default());
    }
    let nearest = dir.ancestors().find(|dir| fs::is_dir(dir)).unwrap_or(Path::new("/"));
    if fs::is_writable(nearest) {
        Finding::good("trees", dir.display().to_string())
    } else {
        let found =
            format!("{} cannot be made: {} is not writable", dir.display(), nearest.display());
        let home = env::home().map_or_else(|| "/var/tmp".into(), |home| home.display().to_string());
        Finding::missing("trees", found, format!("trees = \"{home}/swarmdir-trees\" in swarm.toml"))
    }
}
