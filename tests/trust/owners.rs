//! Files of other users. Only root can make such; where the tests run as another user there is nothing to try.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};

use super::Place;

const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Settings that no git tracks, in a directory of one's own.
fn plain(place: &Place) -> std::path::PathBuf {
    let root = place.swarm.root().to_owned();
    fs::write(root.join("swarm.toml"), place.settings("theirs")).unwrap();
    place.write_tool(&root.join("tool"));
    root
}

#[test]
fn settings_of_another_user_run_nothing() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let root = plain(&place);
    chown(root.join("swarm.toml"), Some(NOBODY), None).unwrap();
    place.assert_untrusted(&root, "their file");
    let said = place.coordinator(&root, &["--drain"]).exits(77);
    assert!(said.err.contains("user 65534 owns it"), "{}", said.err);
    chown(root.join("swarm.toml"), Some(0), None).unwrap();
    place.coordinator(&root, &["--drain"]).exits(0);
    assert_eq!(place.ran(), "theirs theirs", "taken over: both tasks that waited");
}

#[test]
fn a_link_of_another_user_or_to_a_file_of_his_runs_nothing() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let root = plain(&place);
    fs::rename(root.join("swarm.toml"), root.join("real.toml")).unwrap();
    symlink("real.toml", root.join("swarm.toml")).unwrap();
    place.assert_in_force(&root, "theirs", "a link of one's own");
    lchown(root.join("swarm.toml"), Some(NOBODY), None).unwrap();
    place.assert_untrusted(&root, "their link");
    lchown(root.join("swarm.toml"), Some(0), None).unwrap();
    chown(root.join("real.toml"), Some(NOBODY), None).unwrap();
    place.assert_untrusted(&root, "a link to their file");
}

#[test]
fn who_became_root_by_sudo_is_no_stranger() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let root = plain(&place);
    chown(root.join("swarm.toml"), Some(NOBODY), None).unwrap();
    place.drop(&root, "hand.md");
    let run = |uid: &str| {
        let mut command = place.swarm.command(crate::support::swarm::COORDINATOR);
        command.args(["--drain"]).env("SUDO_UID", uid);
        place.swarm.start(&mut command).end()
    };
    run("1234").exits(77);
    run("65534").exits(0);
    assert_eq!(place.ran(), "theirs");
}

#[test]
fn a_repository_of_another_user_is_asked_all_the_same() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let root = place.clone();
    let git = root.join(".git");
    for entry in [root.as_path(), &git, &git.join("config"), &git.join("HEAD"), &git.join("index")]
    {
        chown(entry, Some(NOBODY), None).unwrap();
    }
    place.assert_untrusted(&root, "our file in their repository");
}

#[test]
fn the_users_own_files_are_not_the_stranger_s_because_others_may_read_them() {
    let place = Place::new();
    let root = plain(&place);
    fs::set_permissions(root.join("swarm.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    place.assert_in_force(&root, "theirs", "readable");
}
