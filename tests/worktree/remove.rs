//! Nothing is lost by removing a tree or a branch, whatever state it is in, and `restore` brings each back.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use swarmdir::git::Proof;
use swarmdir::sys::seam::{self, Call, CallFate, Hook};
use swarmdir::worktree::{Removal, RemovalRefusal, Removed, TreePool, Vacated};

use super::removed::{Files, Held, assert_reached, files, files_of, head, reached, staged};
use super::support::{World, collect, git, read, try_git, write};

/// States that are tried.
const STATES: u64 = 240;
/// Trees in one repository; the rest begin in a new one.
const IN_ONE: u64 = 8;

fn order(task: Option<&str>) -> Removal<'_> {
    Removal { task, why: "a test", targets: &[], unmerged_too: false }
}

fn salvage(removed: &Removed) -> Option<String> {
    match removed {
        Removed::Yes { salvage, .. } => salvage.clone(),
        Removed::No(refusal) => panic!("{refusal}"),
    }
}

/// What is done to the directory after the agent's last word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Damage {
    Nothing,
    Locked,
    DirectoryGone,
    AdminGone,
    GitFileGone,
    HeadGone,
}

/// One step of an agent with a free hand; what git refuses in this state is not done.
fn step(world: &World, tree: &Path, rng: &mut fastrand::Rng, n: u64) {
    let file = ["src/a.txt", "README", "new.txt", "deep/er/x"][rng.usize(..4)];
    let text = format!("{n} {}\n", rng.u64(..));
    let soft = |args: &[&str]| drop(try_git(tree, args));
    match rng.u32(..20) {
        0 | 1 => {
            let path = tree.join(file);
            if std::fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.is_dir() {
                let _a_dangling_link_may_stand_there = std::fs::write(path, text);
            }
        }
        2 => soft(&["add", "-A"]),
        3 => soft(&["add", file]),
        4 | 5 => {
            soft(&["add", "-A"]);
            soft(&["commit", "-qm", "work"]);
        }
        6 => drop(std::fs::remove_file(tree.join(file))),
        7 => {
            let path = tree.join("README");
            if path.is_file() && !path.is_symlink() {
                std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
            }
        }
        8 => drop(std::os::unix::fs::symlink("nowhere/at all", tree.join("link"))),
        9 => write(&tree.join("build/out.o"), text),
        10 => soft(&["checkout", "-q", "--detach"]),
        11 => soft(&["commit", "-q", "--amend", "-m", "amended"]),
        12 => soft(&["reset", "-q", "--hard", "HEAD~1"]),
        13 => soft(&["checkout", "-q", "-b", &format!("own-{n}-{}", rng.u32(..1000))]),
        14 => {
            write(&world.root.join("src/a.txt"), &text);
            world.commit("main goes on");
            soft(&["rebase", "main"]);
        }
        15 => soft(&["merge", "-q", "--no-edit", "main"]),
        16 => soft(&["checkout", "-q", "--orphan", &format!("orphan-{n}-{}", rng.u32(..1000))]),
        17 => soft(&["rm", "-rq", "--cached", "src"]),
        18 => {
            let stashes = String::from_utf8(try_git(tree, &["stash", "list"]).stdout).unwrap();
            // An older stash is in a log only, as git itself has it.
            if stashes.is_empty() {
                soft(&["stash", "-u"]);
            }
        }
        _ => soft(&["add", "-N", file]),
    }
}

/// The branch's work comes to the target, or not.
fn bring_home(world: &World, branch: &str, rng: &mut fastrand::Rng) {
    let soft = |args: &[&str]| try_git(&world.root, args).status.success();
    let merged = match rng.u32(..4) {
        0 => soft(&["merge", "-q", "--no-edit", branch]),
        1 => soft(&["merge", "-q", "--squash", branch]) && soft(&["commit", "-qm", "squash"]),
        2 => soft(&["cherry-pick", &format!("main..{branch}")]),
        _ => true,
    };
    if !merged {
        git(&world.root, &["reset", "-q", "--hard"]);
        soft(&["cherry-pick", "--quit"]);
    }
}

struct Case<'a> {
    world: &'a World,
    pool: TreePool,
    task: String,
    tree: PathBuf,
    number: u32,
    free: bool,
}

impl Case<'_> {
    /// A tree after random work; everything that existed in it on the way.
    fn work<'a>(world: &'a World, n: u64, rng: &mut fastrand::Rng) -> (Case<'a>, Held) {
        let task = format!("t{n}");
        let mut tree = world.enter(&task);
        let path = tree.path().to_owned();
        let free = rng.u32(..4) == 0;
        if free {
            write(&path.join("of-the-task"), format!("{n}"));
            collect(&mut tree);
            tree.release(false).unwrap();
        } else {
            drop(tree);
        }
        let mut held = Held::default();
        for _ in 0..rng.u32(..14) {
            step(world, &path, rng, n);
            held.objects.extend(head(&path));
        }
        held.objects.extend(head(&path));
        held.files = files(&path);
        bring_home(world, &format!("swarm/{task}"), rng);
        let name = path.file_name().unwrap().to_str().unwrap();
        let number = name.rsplit_once('-').unwrap().1.parse().unwrap();
        (Case { world, pool: world.pool(), task, tree: path, number, free }, held)
    }

    fn remove(&self) -> Removed {
        let task = (!self.free).then_some(self.task.as_str());
        self.pool.remove_tree(self.number, &order(task)).unwrap()
    }

    fn damage(&self, damage: Damage, held: &mut Held) {
        let admin = PathBuf::from(git(&self.tree, &["rev-parse", "--absolute-git-dir"]));
        if !matches!(damage, Damage::AdminGone) {
            held.objects.extend(staged(&self.tree));
        }
        match damage {
            Damage::Nothing => {}
            Damage::Locked => drop(self.world.git(&[
                "worktree",
                "lock",
                "--reason",
                "mine",
                self.tree.to_str().unwrap(),
            ])),
            Damage::DirectoryGone => {
                std::fs::remove_dir_all(&self.tree).unwrap();
                held.files.clear();
            }
            Damage::AdminGone => {
                // What only git's own files of the tree named went with them.
                std::fs::remove_dir_all(&admin).unwrap();
                held.objects.clear();
            }
            Damage::GitFileGone => std::fs::remove_file(self.tree.join(".git")).unwrap(),
            Damage::HeadGone => {
                let named = head(&self.tree);
                std::fs::remove_file(admin.join("HEAD")).unwrap();
                // It is in HEAD's log still, unless there was none.
                held.objects.extend(named.filter(|_| admin.join("logs/HEAD").exists()));
            }
        }
        held.objects.extend(held.files.values().map(|(_, id)| id.clone()));
        held.objects.extend(reached(self.world));
    }

    /// The files that a restored branch must have; `None` where they were gone before us.
    fn comes_back(&self, salvage: &str, wanted: Option<&Files>) {
        let all = self.pool.salvages().unwrap();
        let found = all.iter().find(|found| found.name == salvage).unwrap();
        let Some(restored) = self.pool.restore(found, None).unwrap() else {
            assert_eq!(wanted.map(Files::len).unwrap_or(0), 0, "an unborn tree without files");
            return;
        };
        if let Some(wanted) = wanted {
            assert_eq!(&files_of(self.world, &restored.branch), wanted, "{}", restored.branch);
        }
    }
}

fn one_state(world: &World, seed: u64) -> (Damage, bool) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (case, mut held) = Case::work(world, seed, &mut rng);
    use Damage::*;
    let kinds = [
        Nothing,
        Nothing,
        Nothing,
        Nothing,
        Locked,
        DirectoryGone,
        AdminGone,
        GitFileGone,
        HeadGone,
    ];
    let damage = kinds[rng.usize(..kinds.len())];
    case.damage(damage, &mut held);
    if damage == Locked {
        let refused = case.remove();
        assert_eq!(refused, Removed::No(RemovalRefusal::Locked { reason: "mine".into() }));
        assert_eq!(files(&case.tree), held.files, "seed {seed}: a refusal changes nothing");
        world.git(&["worktree", "unlock", case.tree.to_str().unwrap()]);
    }
    let removed = case.remove();
    let saved = salvage(&removed);
    assert!(!case.tree.exists(), "seed {seed}: {damage:?}");
    assert_reached(world, &held.objects, &format!("seed {seed}, {damage:?}"));
    let left: Vec<String> = std::fs::read_dir(world.trees())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "seed {seed}");
    if let Some(saved) = &saved {
        let known = !matches!(damage, DirectoryGone);
        case.comes_back(saved, known.then_some(&held.files));
    }
    // The branch next: only with its work on the target, or salvaged.
    let branch = format!("swarm/{}", case.task);
    let target = [world.head()];
    let mut order =
        Removal { task: Some(&case.task), why: "t", targets: &target, unmerged_too: false };
    let first = case.pool.remove_branch(&branch, &order).unwrap();
    if first == Removed::No(RemovalRefusal::Unmerged) {
        order.unmerged_too = true;
        let second = case.pool.remove_branch(&branch, &order).unwrap();
        assert!(matches!(second, Removed::Yes { .. }), "seed {seed}: {second:?}");
    }
    assert_reached(world, &held.objects, &format!("seed {seed}, its branch"));
    (damage, saved.is_some())
}

#[test]
fn whatever_state_a_tree_is_in_nothing_of_it_is_lost() {
    let first = std::env::var("SWARMDIR_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut damaged, mut saved) = (0, 0);
    for from in (first..first + STATES).step_by(IN_ONE as usize) {
        let world = World::new();
        // Its clean-up in the background would stand in the trees.
        world.git(&["config", "maintenance.auto", "false"]);
        world.git(&["config", "gc.auto", "0"]);
        for seed in from..from + IN_ONE {
            let (damage, was_saved) = one_state(&world, seed);
            damaged += u64::from(damage != Damage::Nothing);
            saved += u64::from(was_saved);
        }
        world.fsck();
    }
    println!("{STATES} states: {damaged} damaged, {saved} salvaged");
    assert!(damaged > STATES / 4 && saved > STATES / 3, "the states are too tame");
}

#[test]
fn what_was_staged_in_a_tree_whose_directory_somebody_removed_is_saved() {
    for goes_on in [true, false] {
        let world = World::new();
        let path = world.enter("one").path().to_owned();
        write(&path.join("staged"), "s");
        git(&path, &["add", "staged"]);
        let wanted = staged(&path);
        std::fs::remove_dir_all(&path).unwrap();
        if goes_on {
            assert!(!world.enter("one").notes().is_empty());
        } else {
            assert_eq!(world.pool().vacate("q", "one").unwrap(), Vacated::Free);
        }
        assert_reached(&world, &wanted, "a directory that was removed");
        assert_eq!(world.pool().salvages().unwrap()[0].salvage.owner, "one");
    }
}

/// git takes a file for unchanged whose size and second are those that its index has, unless the index is no younger:
/// an agent may change a file in the second in which it was checked out, and the tree may be removed later.
#[test]
fn a_change_in_the_second_of_the_checkout_is_saved() {
    let world = World::new();
    world.git(&["config", "core.trustctime", "false"]);
    let path = world.enter("one").path().to_owned();
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let date = |path: &Path| {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
    };
    let file = path.join("README");
    date(&file);
    git(&path, &["update-index", "--refresh"]);
    let other = read(&file).to_uppercase();
    assert_ne!(other, read(&file));
    std::fs::write(&file, &other).unwrap();
    date(&file);
    date(Path::new(&git(&path, &["rev-parse", "--path-format=absolute", "--git-path", "index"])));
    let held = files(&path);
    let removed = world.pool().remove_tree(1, &order(Some("one"))).unwrap();
    assert!(salvage(&removed).is_some());
    assert_eq!(files_of(&world, &world.salvaged_files()), held);
}

/// Whoever died while it switched a tree left it half switched. Nobody ought to have worked there since; if somebody
/// did, it is saved.
#[test]
fn a_half_prepared_tree_is_saved_before_it_goes() {
    let world = World::new();
    let path = world.enter("one").path().to_owned();
    let record = path.with_extension("json");
    let text = read(&record);
    assert!(text.contains("working"));
    std::fs::write(&record, text.replace("working", "preparing")).unwrap();
    write(&path.join("staged"), "s");
    git(&path, &["add", "staged"]);
    let wanted = staged(&path);
    assert_eq!(world.pool().vacate("q", "one").unwrap(), Vacated::Free);
    assert!(!path.exists());
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
    assert_reached(&world, &wanted, "a half-prepared tree");
}

#[test]
fn a_clean_tree_whose_branch_stays_needs_no_salvage() {
    let world = World::new();
    let mut tree = world.enter("one");
    write(&tree.path().join("x"), "x");
    write(&tree.path().join("build/cache"), "c");
    collect(&mut tree);
    tree.release(false).unwrap();
    let removed = world.pool().remove_tree(1, &order(None)).unwrap();
    assert_eq!(removed, Removed::Yes { proof: Proof::Ancestry, salvage: None });
    assert!(!world.trees().join("box-1").exists());
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(world.enter("two").branch(), "swarm/two");
}

#[test]
fn who_lives_in_a_tree_is_left_alone() {
    let world = World::new();
    let tree = world.enter("one");
    let pool = world.pool();
    let busy = pool.remove_tree(1, &order(Some("one"))).unwrap();
    assert_eq!(busy, Removed::No(RemovalRefusal::Busy { holder: "1.w".into() }));
    drop(tree);
    for other in [None, Some("two")] {
        let refused = pool.remove_tree(1, &order(other)).unwrap();
        assert_eq!(refused, Removed::No(RemovalRefusal::Occupied { task: "one".into() }));
    }
    let path = world.trees().join("box-1");
    let mut person =
        std::process::Command::new("sleep").arg("60").current_dir(&path).spawn().unwrap();
    let used = pool.remove_tree(1, &order(Some("one"))).unwrap();
    assert_eq!(used, Removed::No(RemovalRefusal::InUse { processes: vec![person.id() as i32] }));
    person.kill().unwrap();
    person.wait().unwrap();
    write(&path.join("inner/x"), "x");
    git(&path.join("inner"), &["init", "-q"]);
    let more = pool.remove_tree(1, &order(Some("one"))).unwrap();
    assert!(matches!(more, Removed::No(RemovalRefusal::HoldsMore { .. })), "{more:?}");
    assert_eq!(read(&path.join("inner/x")), "x");
}

#[test]
fn a_branch_goes_when_its_work_is_on_the_target() {
    let world = World::new();
    let work = |task: &str, text: &[u8]| {
        let mut tree = world.enter(task);
        write(&tree.path().join(format!("{task}.bin")), text);
        git(tree.path(), &["add", "-A"]);
        git(tree.path(), &["commit", "-qm", "first"]);
        write(&tree.path().join(format!("{task}.txt")), "second");
        collect(&mut tree);
        tree.release(false).unwrap();
    };
    for task in ["merged", "squashed", "picked", "alone", "almost"] {
        work(task, b"one\0two");
    }
    world.git(&["merge", "-q", "--no-edit", "swarm/merged"]);
    world.git(&["merge", "-q", "--squash", "swarm/squashed"]);
    world.commit("squash");
    world.git(&["cherry-pick", "main..swarm/picked"]);
    // The same names, but another binary file: a patch-id alone would not see it.
    world.file("almost.bin", "one\0three");
    world.file("almost.txt", "second");
    world.commit("squash?");
    let (pool, target) = (world.pool(), [world.head()]);
    let remove = |task: &str, unmerged_too| {
        let order = Removal { task: Some(task), why: "a test", targets: &target, unmerged_too };
        pool.remove_branch(&format!("swarm/{task}"), &order).unwrap()
    };
    let tips = world.git(&["rev-list", "--branches"]);
    assert_eq!(remove("merged", false), Removed::Yes { proof: Proof::Ancestry, salvage: None });
    for task in ["squashed", "picked"] {
        let removed = remove(task, false);
        assert!(
            matches!(removed, Removed::Yes { proof: Proof::PatchId, salvage: Some(_) }),
            "{removed:?}"
        );
    }
    for task in ["alone", "almost"] {
        assert_eq!(remove(task, false), Removed::No(RemovalRefusal::Unmerged), "{task}");
    }
    let removed = remove("alone", true);
    assert!(matches!(removed, Removed::Yes { proof: Proof::Salvaged, .. }), "{removed:?}");
    assert_reached(&world, &tips.lines().map(str::to_owned).collect(), "branches");
    let all = pool.salvages().unwrap();
    let found = all.iter().find(|found| found.salvage.owner == "alone").unwrap();
    let restored = pool.restore(found, None).unwrap().unwrap();
    assert_eq!(restored.branch, "swarm/alone");
    assert_eq!(pool.restore(found, None).unwrap().unwrap(), restored, "it is there already");
    world.git(&["branch", "-f", "swarm/alone", "main"]);
    let again = pool.restore(found, None).unwrap().unwrap();
    assert_eq!(again.branch, "swarm/alone-restored", "nothing is overwritten");
    assert!(pool.restore(found, Some("main")).is_err());
    world.git(&["switch", "-q", "swarm/alone"]);
    let refused = remove("alone", true);
    assert_eq!(refused, Removed::No(RemovalRefusal::CheckedOut { at: world.root.clone() }));
}

#[test]
fn a_removal_that_was_cut_short_is_gone_on_with() {
    for suffix in [".leaving", ".gone"] {
        let world = World::new();
        let tree = world.enter("one");
        let path = tree.path().to_owned();
        write(&path.join("precious"), "p");
        drop(tree);
        let before = files(&path);
        let mut aside = path.clone().into_os_string();
        aside.push(suffix);
        std::fs::rename(&path, &aside).unwrap();
        let removed = world.pool().remove_tree(1, &order(Some("one"))).unwrap();
        // `.gone` says that all was saved and looked at again before.
        match salvage(&removed) {
            Some(saved) if suffix == ".leaving" => {
                assert_eq!(files_of(&world, &format!("{saved}^2")), before)
            }
            saved => assert_eq!((saved, suffix), (None, ".gone")),
        }
        assert!(!Path::new(&aside).exists() && !path.exists());
        assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
    }
}

/// From some call on nothing is written any more, as if the process had died there.
struct Cut(u32);

impl Hook for Cut {
    fn before(&mut self, call: &Call<'_>) -> CallFate {
        match self.0 {
            _ if !call.op.mutates() => CallFate::Go,
            0 => CallFate::Fail(5),
            _ => {
                self.0 -= 1;
                CallFate::Go
            }
        }
    }
}

#[test]
fn wherever_a_removal_is_cut_short_the_next_one_ends_it_and_nothing_is_lost() {
    let world = World::new();
    let pool = world.pool();
    let mut cuts = 0;
    for calls in 0.. {
        let task = format!("t{calls}");
        let tree = world.enter(&task);
        let path = tree.path().to_owned();
        drop(tree);
        write(&path.join("committed"), format!("{calls}"));
        git(&path, &["add", "-A"]);
        git(&path, &["commit", "-qm", "one"]);
        git(&path, &["commit", "-q", "--amend", "-m", "two"]);
        write(&path.join("staged"), format!("s {calls}"));
        git(&path, &["add", "staged"]);
        write(&path.join("untracked"), format!("u {calls}"));
        let mut wanted = staged(&path);
        wanted.extend(files(&path).into_values().map(|(_, id)| id));
        wanted.extend(git(&path, &["reflog", "--format=%H"]).lines().map(str::to_owned));
        let number = path.to_str().unwrap().rsplit_once('-').unwrap().1.parse().unwrap();
        let order = order(Some(&task));
        let first = seam::with(Box::new(Cut(calls)), || pool.remove_tree(number, &order));
        let ended = matches!(first, Ok(Removed::Yes { .. }));
        if !ended {
            cuts += 1;
            let second = pool.remove_tree(number, &order).unwrap();
            assert!(matches!(second, Removed::Yes { .. }), "after {calls} calls: {second:?}");
        }
        assert_reached(&world, &wanted, &format!("after {calls} calls"));
        let left = std::fs::read_dir(world.trees()).unwrap().flatten().map(|entry| entry.path());
        let left: Vec<PathBuf> =
            left.filter(|path| path.extension().is_none_or(|kind| kind != "lock")).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "after {calls} calls");
        assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
        if ended {
            break;
        }
    }
    world.fsck();
    println!("cut short after each of {cuts} calls");
    assert!(cuts > 10, "{cuts} calls are too few to be all of them");
}
