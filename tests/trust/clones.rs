//! Ways in which a stranger's settings come to lie in a user's directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::Place;

#[test]
fn a_clone_of_any_kind_runs_nothing() {
    for flags in [
        &[][..],
        &["--depth=1"],
        &["--single-branch", "--origin=elsewhere"],
        &["--filter=blob:none"],
        &["--filter=tree:0"],
        &["--config=core.splitIndex=true"],
        &["--config=index.version=4"],
    ] {
        let place = Place::new();
        let root = place.clone_with(flags);
        place.assert_untrusted(&root, &flags.join(" "));
    }
}

#[test]
fn a_tag_that_no_branch_holds_is_a_clone_too() {
    for flags in
        [&["--branch=v1"][..], &["--branch=v1", "--depth=1"], &["--branch=v1", "--single-branch"]]
    {
        let place = Place::new();
        let up = place.up();
        place.git(&up, &["checkout", "--quiet", "--detach"]);
        fs::write(up.join("swarm.toml"), place.settings("tagged")).unwrap();
        place.commit(&up, "tagged");
        place.git(&up, &["tag", "v1"]);
        place.git(&up, &["checkout", "--quiet", "main"]);
        let root = place.clone_with(flags);
        assert!(fs::read_to_string(root.join("swarm.toml")).unwrap().contains("tagged"));
        place.assert_untrusted(&root, &flags.join(" "));
    }
}

#[test]
fn a_clone_whose_remote_was_removed_is_one_still() {
    let place = Place::new();
    let root = place.clone();
    place.git(&root, &["remote", "remove", "origin"]);
    place.assert_untrusted(&root, "without a remote");
}

/// A branch that the user has not merged, looked at as people look at it.
#[test]
fn a_pull_request_that_is_looked_at_runs_nothing() {
    let request = |place: &Place| {
        let up = place.up();
        place.git(&up, &["checkout", "--quiet", "-b", "request"]);
        fs::write(up.join("swarm.toml"), place.settings("request")).unwrap();
        place.commit(&up, "request");
        place.git(&up, &["update-ref", "refs/pull/5/head", "request"]);
        place.git(&up, &["checkout", "--quiet", "main"]);
        place.git(&up, &["branch", "--quiet", "-D", "request"]);
    };
    let start = |place: &Place| {
        fs::remove_file(place.up().join("swarm.toml")).unwrap();
        place.commit(&place.up(), "no settings");
        let root = place.clone();
        request(place);
        root
    };
    let place = Place::new();
    let root = start(&place);
    place.git(&root, &["fetch", "--quiet", "origin", "refs/pull/5/head"]);
    place.git(&root, &["checkout", "--quiet", "FETCH_HEAD"]);
    place.assert_untrusted(&root, "FETCH_HEAD");

    let place = Place::new();
    let root = start(&place);
    place.git(&root, &["fetch", "--quiet", "origin", "refs/pull/5/head:pr-5"]);
    place.git(&root, &["checkout", "--quiet", "pr-5"]);
    // Another fetch, which forgets the first.
    place.git(&root, &["fetch", "--quiet", "origin", "main"]);
    place.assert_untrusted(&root, "a branch of its own");

    let place = Place::new();
    let root = start(&place);
    place.git(&root, &["fetch", "--quiet", "origin", "refs/pull/5/head"]);
    place.git(&root, &["checkout", "--quiet", "FETCH_HEAD", "--", "swarm.toml"]);
    place.assert_untrusted(&root, "staged only");
}

#[test]
fn a_merge_does_not_make_a_strangers_settings_ones_own() {
    let own_then_theirs = |place: &Place| {
        let root = place.clone();
        fs::write(root.join("mine.txt"), "mine\n").unwrap();
        place.commit(&root, "mine");
        fs::write(place.up().join("swarm.toml"), place.settings("pulled")).unwrap();
        place.commit(&place.up(), "theirs");
        root
    };
    let place = Place::new();
    let root = own_then_theirs(&place);
    place.git(&root, &["pull", "--quiet", "--no-rebase", "--no-edit"]);
    place.assert_untrusted(&root, "a merge");

    // Both sides changed the file: what is there is neither side's alone.
    let place = Place::new();
    let root = own_then_theirs(&place);
    let text = fs::read_to_string(root.join("swarm.toml")).unwrap();
    fs::write(root.join("swarm.toml"), format!("# mine\n{text}")).unwrap();
    place.commit(&root, "mine too");
    place.git(&root, &["pull", "--quiet", "--no-rebase", "--no-edit"]);
    place.assert_untrusted(&root, "a merge that mixed");

    // It stops half-way, for a conflict elsewhere.
    let place = Place::new();
    let root = own_then_theirs(&place);
    place.git(&root, &["fetch", "--quiet"]);
    place.git(&root, &["merge", "--quiet", "--no-commit", "--no-ff", "origin/main"]);
    place.assert_untrusted(&root, "a merge under way");
}

#[test]
fn an_edit_in_the_working_tree_does_not_make_it_ones_own() {
    let place = Place::new();
    let root = place.clone();
    let text = fs::read_to_string(root.join("swarm.toml")).unwrap();
    fs::write(root.join("swarm.toml"), format!("{text}# looked at\n")).unwrap();
    place.assert_untrusted(&root, "edited");
    place.git(&root, &["update-index", "--skip-worktree", "swarm.toml"]);
    place.assert_untrusted(&root, "edited, and hidden from git status");
}

#[test]
fn links_are_judged_by_their_place_and_by_their_end() {
    // A link that came with the clone to a file that did not.
    let place = Place::new();
    let mine = place.swarm.beside("mine.toml");
    fs::write(&mine, place.settings("agent")).unwrap();
    fs::remove_file(place.up().join("swarm.toml")).unwrap();
    symlink(&mine, place.up().join("swarm.toml")).unwrap();
    place.commit(&place.up(), "a link");
    let root = place.clone();
    place.assert_untrusted(&root, "a link of theirs");
    // The user's own link to a file that came with a clone.
    let place = Place::new();
    let root = place.clone();
    let own = place.swarm.beside("own");
    fs::create_dir(&own).unwrap();
    symlink(root.join("swarm.toml"), own.join("middle")).unwrap();
    symlink("middle", own.join("swarm.toml")).unwrap();
    place.assert_untrusted(&own, "a link to theirs");
    // Through a directory that is a link.
    let place = Place::new();
    let root = place.clone();
    let own = place.swarm.beside("own");
    fs::create_dir(&own).unwrap();
    symlink(&root, own.join("conf")).unwrap();
    symlink("conf/swarm.toml", own.join("swarm.toml")).unwrap();
    place.assert_untrusted(&own, "a link through a link");
}

#[test]
fn worktrees_submodules_and_repositories_within_are_looked_through() {
    let place = Place::new();
    let root = place.clone();
    let tree = place.swarm.beside("tree");
    place.git(&root, &["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
    place.assert_untrusted(&tree, "a worktree");

    let place = Place::new();
    let outer = place.swarm.beside("outer");
    fs::create_dir(&outer).unwrap();
    place.git(&outer, &["init", "--quiet"]);
    place.git(&outer, &["submodule", "--quiet", "add", place.up().to_str().unwrap(), "sub"]);
    assert!(outer.join("sub/.git").is_file());
    place.assert_untrusted(&outer.join("sub"), "a submodule");

    // A repository that was made in a directory of the clone does not track it; the one around does.
    let place = Place::new();
    fs::create_dir(place.up().join("part")).unwrap();
    fs::rename(place.up().join("swarm.toml"), place.up().join("part/swarm.toml")).unwrap();
    place.commit(&place.up(), "below");
    let root = place.clone();
    let part = root.join("part");
    place.assert_untrusted(&part, "a directory of a clone");
    place.git(&part, &["init", "--quiet"]);
    place.assert_untrusted(&part, "a repository within a clone");
}

#[test]
fn indices_that_only_git_reads_are_read_by_git() {
    let place = Place::new();
    let root = place.clone();
    place.git(&root, &["sparse-checkout", "set", "--cone", "--sparse-index"]);
    place.assert_untrusted(&root, "a sparse index");
    place.git(&root, &["sparse-checkout", "disable"]);
    place.git(&root, &["update-index", "--split-index"]);
    place.assert_untrusted(&root, "a split index");
    fs::write(root.join(".git/index"), "no index").unwrap();
    place.assert_untrusted(&root, "a broken index");
}

/// A repository of another hash, which libgit2 cannot open.
#[test]
fn another_hash_hides_nothing() {
    let place = Place::new();
    let up = place.swarm.beside("up256");
    fs::create_dir(&up).unwrap();
    place.git(&up, &["init", "--quiet", "--object-format=sha256"]);
    fs::write(up.join("swarm.toml"), place.settings("agent")).unwrap();
    place.commit(&up, "stranger");
    let root = place.swarm.beside("clone256");
    place.git(Path::new("/"), &["clone", "--quiet", up.to_str().unwrap(), root.to_str().unwrap()]);
    place.assert_untrusted(&root, "SHA-256");
}

/// The configuration of the repository that is asked runs nothing, either.
#[test]
fn asking_git_runs_nothing_that_the_repository_configures() {
    let place = Place::new();
    let root = place.clone();
    let hook = place.swarm.beside("hook");
    place.write_tool(&hook);
    let hook = hook.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "gpg.program",
        "core.editor",
        "core.askPass",
    ] {
        place.git(&root, &["config", key, hook]);
    }
    place.git(&root, &["config", "log.showSignature", "true"]);
    place.git(&root, &["config", "alias.log", &format!("!{hook}")]);
    place.ran();
    place.assert_untrusted(&root, "a configuration full of programs");
}
