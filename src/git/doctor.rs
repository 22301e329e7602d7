//! What is special about a repository, said before an agent finds out; and the one file of its that we
//! add lines to, on request.

use git2::BranchType;

use super::config::Config;
use super::error::Result;
use super::repo::{Repo, metadata_lock};
use crate::sys::fs;

/// What people should know before agents work in this repository, one line each.
pub fn warnings(repo: &Repo) -> Vec<String> {
    let config = match Config::read(&repo.common) {
        Ok(config) => config,
        Err(error) => return vec![error.to_string()],
    };
    let mut lines = Vec::new();
    let unknown = filters_named(repo).into_iter().find(|filter| !config.has_filter(filter));
    if let Some(filter) = unknown {
        lines.push(format!(
            "files with `filter={filter}` (.gitattributes) are taken as they are: no such filter is configured here"
        ));
    }
    if fs::exists(&repo.root.join(".gitmodules")) {
        lines.push(
            "submodules stay empty in a tree; a setup command can fill them \
             (`git submodule update --init`)"
                .into(),
        );
    }
    if config.is_partial_clone() {
        lines.push(
            "a partial clone: what it lacks is fetched when a tree is made, and has to be in reach then"
                .into(),
        );
    }
    for (key, what) in [
        ("core.sparsecheckout", "a sparse checkout: our trees hold all files"),
        ("core.fsmonitor", "core.fsmonitor is set: agents' git starts a daemon for each tree"),
    ] {
        if config.is_true(key) {
            lines.push(what.into());
        }
    }
    if repo.git.is_shallow() {
        lines.push("a shallow clone: a base beyond its depth is unknown".into());
    }
    if repo.git.find_branch("swarm", BranchType::Local).is_ok() {
        lines.push(
            "a branch is called `swarm`, so none can be called `swarm/…`: ours are called `swarm-…`"
                .into(),
        );
    }
    lines
}

fn filters_named(repo: &Repo) -> Vec<String> {
    let from_checkout =
        repo.checkout().and_then(|root| fs::read(&root.join(".gitattributes")).ok());
    let committed = || {
        let tree = repo.git.head().ok()?.peel_to_tree().ok()?;
        let blob = repo.git.find_blob(tree.get_name(".gitattributes")?.id()).ok()?;
        Some(blob.content().to_vec())
    };
    let bytes = from_checkout.or_else(committed).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(str::split_whitespace);
    words.filter_map(|word| word.strip_prefix("filter=").map(str::to_owned)).collect()
}

/// Adds the lines that are missing to `info/exclude`, so that git leaves these paths of the checkout
/// alone; returns those that it added.
pub fn exclude(repo: &Repo, patterns: &[&str]) -> Result<Vec<String>> {
    let path = repo.common.join("info/exclude");
    let _held = metadata_lock(&repo.common)?;
    let known = String::from_utf8_lossy(&fs::read_if_any(&path)?.unwrap_or_default()).into_owned();
    let missing: Vec<String> = patterns
        .iter()
        .filter(|pattern| !known.lines().any(|line| line == **pattern))
        .map(|pattern| (*pattern).to_owned())
        .collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    fs::mkdirs_with_umask(&repo.common.join("info"))?;
    let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
    let text = format!("{gap}{}\n", missing.join("\n"));
    fs::write_all(&fs::open_append_with_umask(&path)?, &path, text.as_bytes())?;
    Ok(missing)
}
