//! Repositories of every shape, keys that would move trees, and who commits: what git knows, git is asked.

use std::path::Path;

use swarmdir::git::Repo;
use swarmdir::worktree::TreePool;

use super::support::{World, collect, collect_quietly, git, read, write};

/// One task in a repository: its files come, its work is committed.
fn works(root: &Path, trees: Option<&Path>) {
    let pool = TreePool::new(Repo::discover(root).unwrap(), None, "box");
    if let Some(trees) = trees {
        assert_eq!(pool.dir(), trees);
    }
    let world = World::new();
    let mut job = world.job("t");
    job.base = git(root, &["rev-parse", "HEAD"]);
    let mut tree = job.enter(&pool);
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "", "{root:?}");
    write(&tree.path().join("x"), "x\n");
    assert_eq!(collect_quietly(&mut tree).commits.len(), 1, "{root:?}");
    tree.release(false).unwrap();
    assert_eq!(git(root, &["show", "swarm/t:x"]), "x", "{root:?}");
}

#[test]
fn repositories_of_every_shape_have_trees() {
    let world = World::new();
    let at = |name: &str| world.root.with_file_name(name);
    let clone = |args: &[&str], name: &str| {
        let to = at(name);
        let from = format!("file://{}", world.root.display());
        let all = [&["clone", "-q"][..], args, &[&from, to.to_str().unwrap()]].concat();
        git(world.dir.path(), &all);
        to
    };
    world.git(&["config", "uploadpack.allowFilter", "true"]);
    world.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    works(&clone(&["--depth=1"], "shallow"), Some(&at("shallow.swarmdir")));
    works(&clone(&["--filter=blob:none", "--sparse"], "partial"), Some(&at("partial.swarmdir")));
    works(&clone(&["--filter=tree:0"], "treeless"), None);
    let apart = format!("--separate-git-dir={}", at("apart.git").display());
    works(&clone(&[&apart], "apart"), Some(&at("apart.swarmdir")));
    works(&clone(&[], "with space, ünï'\"\\code"), None);
    works(&clone(&["--shared"], "borrowing"), None);
    world.git(&["worktree", "add", "-q", at("linked").to_str().unwrap(), "-b", "linked"]);
    works(&at("linked"), Some(&at("linked.swarmdir")));
    let inside = at("partial").join("deep/er");
    std::fs::create_dir_all(&inside).unwrap();
    assert_eq!(Repo::discover(&inside).unwrap().root(), at("partial"));
}

#[test]
fn a_partial_clone_that_cannot_fetch_says_so() {
    let world = World::new();
    world.git(&["config", "uploadpack.allowFilter", "true"]);
    let (up, down) = (world.root.clone(), world.root.with_file_name("down"));
    let from = format!("file://{}", up.display());
    let args = ["clone", "-q", "--filter=blob:none", "--sparse", &from, down.to_str().unwrap()];
    git(world.dir.path(), &args);
    std::fs::rename(&up, up.with_extension("away")).unwrap();
    let pool = TreePool::new(Repo::discover(&down).unwrap(), None, "box");
    let other = World::new();
    let mut job = other.job("t");
    job.base = git(&down, &["rev-parse", "HEAD"]);
    let said = job.trouble(&pool).to_string();
    assert!(said.contains("partial clone"), "{said}");
    let warnings = swarmdir::git::doctor::warnings(pool.repo());
    assert!(warnings.iter().any(|line| line.contains("partial clone")), "{warnings:?}");
}

#[test]
fn keys_that_an_agent_sets_move_no_tree() {
    for (key, value) in [
        ("core.bare", "true"),
        ("core.worktree", "/"),
        ("core.worktree", "."),
        ("core.hooksPath", "/nowhere"),
        ("core.repositoryformatversion", "1"),
    ] {
        let world = World::new();
        let mut tree = world.enter("one");
        write(&tree.path().join("x"), "x");
        world.git(&["config", key, value]);
        let got = collect(&mut tree);
        let told = got.notes.iter().any(|note| note.contains(&key.to_lowercase()));
        assert!(told, "{key}: {:?}", got.notes);
        tree.release(false).unwrap();
        // One tree that is there, and a new one.
        let (again, new) = (world.enter("two"), world.enter("three"));
        assert_eq!(again.path(), world.trees().join("box-1"), "{key}");
        assert_eq!(new.path(), world.trees().join("box-2"), "{key}");
        for mut tree in [again, new] {
            write(&tree.path().join("y"), "y");
            assert_eq!(collect(&mut tree).commits.len(), 1, "{key}={value}");
            tree.release(false).unwrap();
        }
        let beside = std::fs::read_dir(world.dir.path()).unwrap().count();
        assert_eq!(beside, 3, "project, project.swarmdir, runs");
    }
}

#[test]
fn who_commits_and_signs_is_what_git_says() {
    let world = World::new();
    // A name that only an include with a condition has.
    for key in ["user.name", "user.email"] {
        world.git(&["config", "--unset", key]);
    }
    world.file(".git/work", "[user]\n\tname = Worker\n\temail = worker@example.org\n");
    let condition = format!("includeIf.gitdir:{}/.path", world.root.display());
    world.git(&["config", &condition, "work"]);
    let key = world.dir.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", key.to_str().unwrap()])
        .status();
    let signs = made.is_ok_and(|status| status.success());
    if signs {
        let public = format!("{}.pub", key.display());
        for (key, value) in
            [("gpg.format", "ssh"), ("user.signingkey", &public), ("commit.gpgsign", "true")]
        {
            world.git(&["config", key, value]);
        }
    } else {
        println!("NOT SHOWN: there is no ssh-keygen here, so nothing was signed");
    }
    let mut tree = world.enter("one");
    write(&tree.path().join("x"), "x");
    let got = collect_quietly(&mut tree);
    let author = world.git(&["log", "-1", "--format=%an <%ae>", &got.head]);
    assert_eq!(author, "Worker <worker@example.org>");
    let raw = world.git(&["cat-file", "-p", &got.head]);
    assert_eq!(raw.contains("gpgsig"), signs, "{raw}");
    tree.release(false).unwrap();
    if signs {
        // Without its key nothing is signed, nothing is lost, and it is said.
        world.git(&["config", "user.signingkey", "/nowhere"]);
        let mut tree = world.enter("two");
        write(&tree.path().join("x"), "x");
        let got = collect(&mut tree);
        assert_eq!(got.commits.len(), 1);
        assert!(got.notes[0].contains("not signed"), "{:?}", got.notes);
    }
}

#[test]
fn a_tree_within_another_checkout_is_hidden_there() {
    let world = World::new();
    let inner = world.root.join("vendor/inner");
    std::fs::create_dir_all(&inner).unwrap();
    git(&inner, &["init", "-q", "-b", "main"]);
    git(
        &inner,
        &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    );
    let before = world.git(&["status", "--porcelain", "--untracked-files=all"]);
    works(&inner, Some(&world.root.join("vendor/inner.swarmdir")));
    assert_eq!(world.git(&["status", "--porcelain", "--untracked-files=all"]), before);
    world.git(&["clean", "-ffdq", "vendor/inner.swarmdir"]);
    assert_eq!(read(&world.root.join("vendor/inner.swarmdir/box-1/x")), "x\n", "not cleaned away");
}
