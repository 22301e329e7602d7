//! What an agent left uncommitted: all of it that git can hold is committed, the rest is said.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::support::{World, collect, collect_quietly, git, read, write};

#[test]
fn additions_changes_and_deletions_end_in_one_commit() {
    let world = World::new();
    let mut tree = world.enter("one");
    let root = tree.path().to_owned();
    write(&root.join("src/a.txt"), "one\nmore\n");
    write(&root.join("new/dir/file"), "new\n");
    std::fs::remove_file(root.join("README")).unwrap();
    write(&root.join("junk.cache"), "ignored");
    git(&root, &["add", "src/a.txt"]);
    let got = collect_quietly(&mut tree);
    assert_eq!((got.commits.len(), got.leftover, got.changed), (1, true, true));
    assert!(got.commits[0].leftover);
    assert_eq!((got.files_changed, got.insertions, got.deletions), (3, 2, 1));
    assert_eq!(git(&root, &["status", "--porcelain"]), "");
    assert_eq!(git(&root, &["rev-parse", "HEAD"]), got.head);
    assert_eq!(
        git(&root, &["show", "--name-status", "--format=", "HEAD"]),
        "D\tREADME\nA\tnew/dir/file\nM\tsrc/a.txt"
    );
    // A second look finds nothing.
    let again = collect_quietly(&mut tree);
    assert_eq!((again.head, again.leftover, again.commits.len()), (got.head, false, 1));
    world.fsck();
}

#[test]
fn an_agents_own_commits_are_listed_and_nothing_is_added() {
    let world = World::new();
    let mut tree = world.enter("one");
    for name in ["first", "second"] {
        write(&tree.path().join(name), name);
        git(tree.path(), &["add", "-A"]);
        git(tree.path(), &["commit", "-qm", name]);
    }
    let got = collect_quietly(&mut tree);
    let subjects: Vec<&str> = got.commits.iter().map(|c| c.subject.as_str()).collect();
    assert_eq!((subjects, got.leftover), (vec!["first", "second"], false));
}

#[test]
fn an_agent_that_did_nothing_changed_nothing() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("README"), "hello\n");
    let got = collect_quietly(&mut tree);
    assert!(!got.changed && got.commits.is_empty() && got.head == world.head());
}

#[test]
fn hostile_names_are_committed_byte_for_byte() {
    let world = World::new();
    let mut tree = world.enter("one");
    let names: [&[u8]; 8] = [
        b"new\nline",
        b"-rf",
        b"caf\xe9",
        b" space ",
        b"quote\"'`$x",
        b"star*?[a]",
        b"dir\n/\xff\xfe",
        b":(top)x",
    ];
    for name in names {
        write(&tree.path().join(OsStr::from_bytes(name)), name);
    }
    let got = collect_quietly(&mut tree);
    for name in names {
        let spec = [format!("{}:", got.head).as_bytes(), name].concat();
        let shown = git(&world.root, &[OsStr::new("show"), OsStr::from_bytes(&spec)]);
        assert_eq!(shown, String::from_utf8_lossy(name).trim_end());
    }
    tree.release(false).unwrap();
    let next = world.enter("two");
    assert_eq!(git(next.path(), &["status", "--porcelain"]), "");
    assert_eq!(next.notes(), Vec::<String>::new());
    world.fsck();
}

#[test]
fn kinds_of_files_survive() {
    let world = World::new();
    world.file("swap-to-dir", "file");
    world.file("swap-to-file/inner", "dir");
    world.file("swap-to-link/inner", "dir");
    world.commit("kinds");
    let mut tree = world.enter("one");
    let root = tree.path().to_owned();
    write(&root.join("run.sh"), "#!/bin/sh\n");
    std::fs::set_permissions(root.join("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(root.join("README"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("nowhere/at all", root.join("link")).unwrap();
    symlink("/etc", root.join("outside")).unwrap();
    std::fs::remove_file(root.join("swap-to-dir")).unwrap();
    write(&root.join("swap-to-dir/now"), "dir");
    std::fs::remove_dir_all(root.join("swap-to-file")).unwrap();
    write(&root.join("swap-to-file"), "file");
    std::fs::remove_dir_all(root.join("swap-to-link")).unwrap();
    symlink("src", root.join("swap-to-link")).unwrap();
    let got = collect_quietly(&mut tree);
    assert_eq!(git(&root, &["status", "--porcelain"]), "");
    let listing = git(&root, &["ls-tree", "-r", &got.head]);
    let has = |mode: &str, name: &str| {
        listing.lines().any(|l| l.starts_with(mode) && l.ends_with(&format!("\t{name}")))
    };
    assert!(has("100755", "run.sh") && has("100755", "README"), "{listing}");
    assert!(has("120000", "link") && has("120000", "outside") && has("120000", "swap-to-link"));
    assert!(has("100644", "swap-to-dir/now") && has("100644", "swap-to-file"), "{listing}");
    assert!(!listing.contains("swap-to-file/inner") && !listing.contains("swap-to-link/inner"));
    tree.release(false).unwrap();
    let next = world.enter("two");
    assert_eq!(git(next.path(), &["status", "--porcelain"]), "");
    assert_eq!(read(&next.path().join("swap-to-link/inner")), "dir");
    world.fsck();
}

#[test]
fn a_large_file_is_committed_and_made_durable() {
    let world = World::new();
    let mut tree = world.enter("one");
    let mut bytes = vec![0_u8; 64 << 20];
    for (at, byte) in bytes.iter_mut().enumerate().step_by(4096) {
        *byte = (at >> 12) as u8;
    }
    write(&tree.path().join("large.bin"), &bytes);
    let got = collect_quietly(&mut tree);
    assert_eq!(
        git(&world.root, &["cat-file", "-s", &format!("{}:large.bin", got.head)]),
        "67108864"
    );
    tree.make_durable(&got).unwrap();
    git(&world.root, &["gc", "-q"]);
    tree.make_durable(&got).unwrap();
}

#[test]
fn what_is_no_file_is_left_out_and_said() {
    let world = World::new();
    let mut tree = world.enter("one");
    let fifo = tree.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("sock")).unwrap();
    write(&tree.path().join("file"), "x");
    let got = collect(&mut tree);
    assert_eq!(got.commits.len(), 1);
    assert_eq!(got.notes.len(), 1);
    assert!(got.notes[0].contains("pipe") && got.notes[0].contains("sock"), "{:?}", got.notes);
    tree.release(false).unwrap();
    let next = world.enter("two");
    assert!(!next.path().join("pipe").exists() && next.notes().is_empty());
}

#[test]
fn a_lock_and_a_broken_index_do_not_stop_collecting() {
    let world = World::new();
    let mut tree = world.enter("one");
    let admin = git(tree.path(), &["rev-parse", "--absolute-git-dir"]);
    std::fs::write(Path::new(&admin).join("index.lock"), "").unwrap();
    std::fs::write(Path::new(&admin).join("index"), "garbage").unwrap();
    write(&tree.path().join("x"), "x");
    let got = collect(&mut tree);
    assert_eq!((got.commits.len(), got.notes.len()), (1, 2), "{:?}", got.notes);
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    assert_eq!(git(tree.path(), &["show", "--name-status", "--format=", "HEAD"]), "A\tx");
}

#[test]
fn intent_to_add_and_hidden_changes_are_committed() {
    let world = World::new();
    let mut tree = world.enter("one");
    let root = tree.path().to_owned();
    write(&root.join("later"), "");
    git(&root, &["add", "-N", "later"]);
    git(&root, &["update-index", "--assume-unchanged", "README"]);
    write(&root.join("README"), "hidden change\n");
    let got = collect_quietly(&mut tree);
    assert_eq!(git(&root, &["show", &format!("{}:README", got.head)]), "hidden change");
    assert_eq!(git(&root, &["cat-file", "-s", &format!("{}:later", got.head)]), "0");
    world.fsck();
}

#[test]
fn work_within_a_submodule_is_never_lost_silently() {
    let library = World::new();
    let world = World::new();
    world.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "lib"]);
    world.commit("with a library");
    let mut tree = world.enter("one");
    // Untouched, its directory stays empty, and that is no change.
    assert!(!collect_quietly(&mut tree).changed);
    git(tree.path(), &["submodule", "--quiet", "update", "--init"]);
    assert!(!collect_quietly(&mut tree).changed);
    let lib = tree.path().join("lib");
    write(&lib.join("dirty"), "x");
    let got = collect(&mut tree);
    assert!(got.notes[0].contains("uncommitted work within a submodule: lib"), "{:?}", got.notes);
    git(&lib, &["add", "-A"]);
    git(&lib, &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "inside"]);
    let inside = git(&lib, &["rev-parse", "HEAD"]);
    let got = collect(&mut tree);
    assert!(got.notes[0].contains("lib"), "{:?}", got.notes);
    assert!(git(tree.path(), &["ls-tree", "HEAD", "lib"]).contains(&inside));
    assert!(tree.holds_more());
    tree.release(false).unwrap();
    assert_ne!(world.enter("two").path(), lib.parent().unwrap());
    assert_eq!(git(&lib, &["rev-parse", "HEAD"]), inside);
}

#[test]
fn line_ends_and_attributes_are_gits() {
    let world = World::new();
    world.file(".gitattributes", "*.txt text eol=crlf\n*.psd filter=unheard-of\n");
    world.file("dos.txt", "a\r\nb\r\n");
    world.commit("attributes");
    let mut tree = world.enter("one");
    assert_eq!(read(&tree.path().join("dos.txt")), "a\r\nb\r\n");
    assert!(!collect_quietly(&mut tree).changed);
    write(&tree.path().join("dos.txt"), "a\r\nc\r\n");
    write(&tree.path().join("art.psd"), "pixels");
    let got = collect(&mut tree);
    assert!(got.notes[0].contains("without their git filter"), "{:?}", got.notes);
    assert_eq!(git(&world.root, &["cat-file", "-s", &format!("{}:dos.txt", got.head)]), "4");
    let warnings = swarmdir::git::doctor::warnings(&world.repo());
    assert!(warnings[0].contains("filter=unheard-of"), "{warnings:?}");
}
