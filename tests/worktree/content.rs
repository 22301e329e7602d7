//! What only git knows of content: filters, encodings, indexes of every kind. And what an agent changed of it.

use std::path::Path;

use swarmdir::worktree::Tree;

use super::support::{World, collect, git, read, write};

/// A repository whose `*.env` files are kept encoded, as a vault does; and one that is text in UTF-16.
fn vault() -> World {
    let world = World::new();
    for (key, value) in [
        ("filter.vault.clean", "base64 -w0"),
        ("filter.vault.smudge", "base64 -d"),
        ("filter.vault.required", "true"),
    ] {
        world.git(&["config", key, value]);
    }
    world.file(".gitattributes", "*.env filter=vault\n*.rc working-tree-encoding=UTF-16LE-BOM\n");
    world.file("secret.env", "PASSWORD=hunter2\n");
    write(&world.root.join("res.rc"), utf16("hello\n"));
    world.commit("secrets");
    assert!(!world.git(&["show", "HEAD:secret.env"]).contains("hunter2"));
    world
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// No object that any ref reaches holds this text.
fn assert_secret(world: &World, text: &str) {
    let all = world.git(&["rev-list", "--objects", "--all"]);
    for line in all.lines() {
        let id = line.split(' ').next().unwrap();
        if world.git(&["cat-file", "-t", id]) == "blob" {
            let content = world.git(&["cat-file", "blob", id]);
            assert!(!content.contains(text), "{line}");
        }
    }
}

fn says(notes: &[String], text: &str) -> bool {
    notes.iter().any(|note| note.contains(text))
}

#[test]
fn filters_and_encodings_run_in_both_directions() {
    let world = vault();
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    assert_eq!(read(&path.join("secret.env")), "PASSWORD=hunter2\n");
    assert_eq!(std::fs::read(path.join("res.rc")).unwrap(), utf16("hello\n"));
    write(&path.join("secret.env"), "TOKEN=plain2\n");
    write(&path.join("new.env"), "TOKEN=plain2\n");
    write(&path.join("res.rc"), utf16("hello\nmore\n"));
    let got = collect(&mut tree);
    assert_eq!(got.notes, Vec::<String>::new());
    assert_eq!(world.git(&["show", "swarm/one:res.rc"]), "hello\nmore");
    assert_secret(&world, "plain2");
    assert!(!tree.holds_more());
    tree.release(false).unwrap();
    assert_eq!(read(&world.enter("two").path().join("secret.env")), "PASSWORD=hunter2\n");
}

#[test]
fn the_keys_of_git_crypt_are_found_from_a_tree() {
    let world = World::new();
    write(&world.root.join(".git/git-crypt/keys/default"), "key");
    let tree = world.enter("one");
    let dir = git(tree.path(), &["rev-parse", "--absolute-git-dir"]);
    assert_eq!(read(&Path::new(&dir).join("git-crypt/keys/default")), "key");
    tree.release(false).unwrap();
    // It goes with the tree, and the keys stay.
    let order = swarmdir::worktree::Removal {
        task: None,
        why: "a test",
        targets: &[],
        unmerged_too: false,
    };
    let _removed = world.pool().remove_tree(1, &order).unwrap();
    assert!(!Path::new(&dir).exists());
    assert_eq!(read(&world.root.join(".git/git-crypt/keys/default")), "key");
}

/// One act of an agent's, after which its secret must not come into a commit of ours in the clear.
fn withheld(act: impl Fn(&World, &Path)) {
    let world = vault();
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    act(&world, &path);
    write(&path.join("secret.env"), "TOKEN=plain2\n");
    write(&path.join("code.txt"), "code\n");
    let got = collect(&mut tree);
    assert_secret(&world, "plain2");
    assert!(says(&got.notes, "not committed") && says(&got.notes, "secret.env"), "{:?}", got.notes);
    assert!(tree.holds_more());
    tree.release(false).unwrap();
    assert_eq!(read(&path.join("secret.env")), "TOKEN=plain2\n");
    assert_ne!(world.enter("two").path(), path, "the tree is kept for people");
}

#[test]
fn a_filter_that_the_attempt_took_away_withholds_its_files() {
    withheld(|_, tree| write(&tree.join(".gitattributes"), "*.rc -text\n"));
    withheld(|_, tree| std::fs::remove_file(tree.join(".gitattributes")).unwrap());
    withheld(|_, tree| {
        write(&tree.join(".gitattributes"), "");
        git(tree, &["commit", "-qam", "no attributes"]);
    });
    withheld(|world, _| write(&world.root.join(".git/info/attributes"), "*.env -filter\n"));
    withheld(|world, _| drop(world.git(&["config", "filter.vault.clean", "cat"])));
    withheld(|world, _| drop(world.git(&["config", "--unset", "filter.vault.clean"])));
    withheld(|world, _| {
        world.file(".git/more", "[filter \"vault\"]\n\tclean = cat\n");
        world.git(&["config", "include.path", "more"]);
    });
}

#[test]
fn what_the_agent_staged_in_the_clear_is_not_committed_by_us() {
    let world = vault();
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    write(&path.join("secret.env"), "TOKEN=plain2\n");
    write(&path.join("code.txt"), "code\n");
    let plain = ["-c", "filter.vault.clean=cat", "add", "-A"];
    write(&path.join(".gitattributes"), "");
    git(&path, &plain);
    let got = collect(&mut tree);
    assert_secret(&world, "plain2");
    assert!(says(&got.notes, "secret.env"), "{:?}", got.notes);
    assert_eq!(world.git(&["show", "swarm/one:code.txt"]), "code");
}

#[test]
fn a_filter_that_an_agent_configured_runs_neither_now_nor_later() {
    let world = World::new();
    let ran = world.dir.path().join("ran");
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    let program = format!("touch {}; cat", ran.display());
    for key in ["filter.evil.clean", "filter.evil.smudge"] {
        world.git(&["config", key, &program]);
    }
    write(&path.join(".gitattributes"), "*.txt filter=evil\n");
    write(&path.join("new.txt"), "new\n");
    let got = collect(&mut tree);
    assert!(says(&got.notes, "filter.evil.clean was added"), "{:?}", got.notes);
    assert!(says(&got.notes, "new.txt"), "{:?}", got.notes);
    tree.release(false).unwrap();
    // The user merges the attributes without a thought.
    world.file(".gitattributes", "*.txt filter=evil\n");
    git(&world.root, &["-c", "filter.evil.clean=cat", "add", "-A"]);
    git(&world.root, &["-c", "filter.evil.clean=cat", "commit", "-qm", "merged"]);
    let mut tree = world.enter("two");
    write(&tree.path().join("other.txt"), "other\n");
    collect(&mut tree);
    tree.release(false).unwrap();
    assert!(!ran.exists());
    // A person gives the key a value of his own: that counts.
    world.git(&["config", "filter.evil.clean", "cat"]);
    world.git(&["config", "filter.evil.smudge", "tr a-z A-Z"]);
    assert_eq!(read(&world.enter("three").path().join("src/a.txt")), "ONE\n");
}

#[test]
fn a_worker_that_died_does_not_make_the_agents_filter_the_users() {
    let world = vault();
    let tree = world.enter("one");
    let path = tree.path().to_owned();
    drop(tree);
    world.git(&["config", "filter.vault.clean", "cat"]);
    write(&path.join("secret.env"), "TOKEN=plain2\n");
    assert_eq!(world.pool().vacate("q", "one").unwrap(), swarmdir::worktree::Vacated::Held);
    assert_secret(&world, "plain2");
    assert_eq!(read(&path.join("secret.env")), "TOKEN=plain2\n");
}

#[test]
fn a_required_filter_that_fails_leaves_its_file_out() {
    let world = vault();
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    // The vault is closed: the program is the user's, what it needs is not there.
    world.git(&["config", "filter.vault.clean", "false"]);
    collect(&mut tree);
    tree.release(false).unwrap();
    let mut tree = world.enter("two");
    write(&path.join("secret.env"), "TOKEN=plain2\n");
    write(&path.join("code.txt"), "code\n");
    let got = collect(&mut tree);
    assert_secret(&world, "plain2");
    assert!(says(&got.notes, "secret.env"), "{:?}", got.notes);
    assert!(tree.holds_more());
}

/// What an agent does to its index; the edits that follow must be in the commit, and nothing else.
fn collected(act: impl Fn(&Path)) -> (World, Tree) {
    let world = World::new();
    for dir in ["a", "b"] {
        world.file(&format!("{dir}/f.txt"), "base\n");
        world.file(&format!("{dir}/g.txt"), "base\n");
    }
    world.commit("dirs");
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    act(&path);
    write(&path.join("a/f.txt"), "edit\n");
    write(&path.join("a/new.txt"), "new\n");
    let got = collect(&mut tree);
    let changed = world.git(&["diff", "--name-status", "main", &got.head]);
    assert_eq!(changed, "M\ta/f.txt\nA\ta/new.txt", "{:?}", got.notes);
    (world, tree)
}

#[test]
fn indexes_of_every_kind_are_collected_and_no_next_task_finds_them() {
    let acts: [&[&[&str]]; 9] = [
        &[&["sparse-checkout", "set", "--sparse-index", "a"]],
        &[&["sparse-checkout", "set", "--no-cone", "/a/", "/README"]],
        &[&["update-index", "--skip-worktree", "a/f.txt", "b/f.txt"]],
        &[&["update-index", "--assume-unchanged", "a/f.txt"]],
        &[&["update-index", "--split-index"]],
        &[&["update-index", "--untracked-cache"]],
        &[&["update-index", "--index-version", "4"]],
        &[&["update-index", "--split-index"], &["update-index", "--skip-worktree", "b/f.txt"]],
        &[&["config", "core.splitIndex", "true"], &["add", "-N", "a/g.txt"]],
    ];
    for act in acts {
        let (world, tree) = collected(|path| act.iter().for_each(|args| drop(git(path, args))));
        tree.release(false).unwrap();
        let next = world.enter("two");
        assert_eq!(git(next.path(), &["status", "--porcelain"]), "", "{act:?}");
        assert_eq!(read(&next.path().join("b/f.txt")), "base\n", "{act:?}");
        let flags = git(next.path(), &["ls-files", "-v"]);
        assert!(flags.lines().all(|line| line.starts_with("H ")), "{act:?}: {flags}");
        assert_eq!(next.notes(), Vec::<String>::new(), "{act:?}");
        world.fsck();
    }
}

#[test]
fn deletions_in_a_sparse_checkout_are_only_the_agents_own() {
    let world = World::new();
    for dir in ["a", "b"] {
        world.file(&format!("{dir}/f.txt"), "base\n");
    }
    world.commit("dirs");
    let mut tree = world.enter("one");
    let path = tree.path().to_owned();
    git(&path, &["sparse-checkout", "set", "a"]);
    std::fs::remove_file(path.join("a/f.txt")).unwrap();
    // A file outside of what the checkout has, made all the same.
    write(&path.join("b/f.txt"), "edit\n");
    let got = collect(&mut tree);
    let changed = world.git(&["diff", "--name-status", "main", &got.head]);
    assert_eq!(changed, "D\ta/f.txt\nM\tb/f.txt", "{:?}", got.notes);
}

#[test]
fn no_program_that_the_configuration_names_runs_in_our_calls() {
    let world = World::new();
    let ran = world.dir.path().join("ran");
    let script = world.dir.path().join("script");
    write(&script, format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", ran.display()));
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let hooks = world.dir.path().join("hooks");
    for hook in ["post-checkout", "post-index-change", "pre-commit", "reference-transaction"] {
        std::fs::create_dir_all(&hooks).unwrap();
        std::fs::copy(&script, hooks.join(hook)).unwrap();
    }
    let program = script.to_str().unwrap();
    for (key, value) in [
        ("core.hooksPath", hooks.to_str().unwrap()),
        ("core.fsmonitor", program),
        ("core.pager", program),
        ("core.editor", program),
        ("core.askPass", program),
        ("core.sshCommand", program),
        ("core.alternateRefsCommand", program),
        ("credential.helper", program),
        ("diff.external", program),
        ("alias.add", &format!("!{program}")),
        ("alias.read-tree", &format!("!{program}")),
        ("gpg.program", program),
    ] {
        world.git(&["config", key, value]);
    }
    for task in ["one", "two"] {
        let mut tree = world.enter(task);
        write(&tree.path().join("x"), task);
        assert_eq!(collect(&mut tree).commits.len(), 1);
        tree.release(false).unwrap();
    }
    let _cleared = world.pool().remove_ignored(1).unwrap();
    assert_eq!(read(&ran), "");
}
