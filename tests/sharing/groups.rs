//! Two users of one group on one queue, one of them hidden from the other by `/proc`. Needs root, who can be anybody.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::deadline::wait_until;
use crate::support::running::{Done, Running};
use crate::support::swarm::{COORDINATOR, Swarm, WORKER};

const GROUP: u32 = 15_000;
const ONE: u32 = 15_001;
const TWO: u32 = 15_002;
const STRANGER: u32 = 15_003;

/// A project of user one's, in a directory of the group's.
struct Shared {
    swarm: Swarm,
    hides: bool,
}

impl Shared {
    /// `None` where this cannot be tried; `hides`: each user sees his own processes only.
    fn new(lines: &str, hides: bool) -> Option<Shared> {
        let swarm = Swarm::with(lines);
        let shared = Shared { swarm, hides };
        let tried = shared.command(ONE, "true").output();
        if !tried.is_ok_and(|output| output.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "nobody can be somebody else here");
            println!("*** NOT TESTED: needs root, setpriv and unshare ***");
            return None;
        }
        let parent = shared.swarm.beside("");
        for (path, mode) in [(parent.clone(), 0o2771), (shared.swarm.beside("marks"), 0o777)] {
            chown(&path, Some(ONE), Some(GROUP)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let own =
            shared.swarm.command("chown").args(["-R", &format!("{ONE}:{GROUP}"), "."]).status();
        assert!(own.unwrap().success());
        for program in [COORDINATOR, WORKER] {
            let copy = shared.program(program);
            fs::copy(program, &copy).unwrap();
            fs::set_permissions(copy, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for user in [ONE, TWO, STRANGER] {
            let home = shared.home(user);
            fs::create_dir(&home).unwrap();
            let text = "[safe]\n\tdirectory = *\n[user]\n\tname = t\n\temail = t@example.invalid\n";
            fs::write(home.join(".gitconfig"), text).unwrap();
            chown(&home, Some(user), Some(GROUP)).unwrap();
        }
        Some(shared)
    }

    fn home(&self, user: u32) -> PathBuf {
        self.swarm.beside(&format!("home-{user}"))
    }

    /// The program where everybody may run it.
    fn program(&self, program: &str) -> PathBuf {
        self.swarm.beside(&format!("{}.bin", program.rsplit('/').next().unwrap()))
    }

    /// A shell line of this user's.
    fn command(&self, user: u32, line: &str) -> Command {
        let group = if user == STRANGER { user } else { GROUP };
        let own =
            format!("exec setpriv --reuid={user} --regid={group} --clear-groups sh -c \"$1\"");
        let hide = if self.hides { "mount -t proc -o hidepid=2 proc /proc && " } else { "" };
        let mut command = self.swarm.command("unshare");
        command.args(["-m", "sh", "-c", &format!("{hide}{own}"), "sh", line]);
        command.env("HOME", self.home(user)).env_remove("GIT_CONFIG_GLOBAL");
        command
    }

    fn start(&self, user: u32, program: &str, args: &str) -> Running {
        let program = self.program(program);
        self.swarm.start(&mut self.command(user, &format!("exec {} {args}", program.display())))
    }

    #[track_caller]
    fn run(&self, user: u32, program: &str, args: &str) -> Done {
        self.start(user, program, args).end()
    }

    fn journal(&self) -> String {
        let logs = fs::read_dir(self.swarm.at("queue/log")).unwrap().flatten();
        logs.map(|log| fs::read_to_string(log.path()).unwrap()).collect()
    }
}

#[test]
fn both_work_on_it_and_a_stranger_reads_nothing() {
    let Some(shared) = Shared::new("share = \"group\"", false) else { return };
    let swarm = &shared.swarm;
    // The strictest umask: what is shared is shared all the same.
    let line = format!("umask 077; exec {} init", shared.program(COORDINATOR).display());
    swarm.start(&mut shared.command(ONE, &line)).end().exits(0);
    shared.run(ONE, COORDINATOR, "add --name first -m 'echo x > x.txt'").exits(0);
    // The other one drops a file of his own, and one's worker reads it.
    let drop = "umask 027; echo 'echo y > y.txt' > queue/pending/second.md";
    swarm.start(&mut shared.command(TWO, drop)).end().exits(0);
    assert_eq!(fs::metadata(swarm.at("queue/pending/second.md")).unwrap().uid(), TWO);
    shared.run(ONE, WORKER, "--drain").exits(0);
    let seen = shared.run(TWO, COORDINATOR, "status --json").exits(0);
    assert!(seen.out.contains("\"done\": 2") || seen.out.contains("\"done\":2"), "{}", seen.out);
    shared.run(TWO, COORDINATOR, "show first").exits(0);
    shared.run(TWO, COORDINATOR, "doctor");
    for line in
        ["ls queue", "cat queue/FORMAT", "cat queue/log/*", "ls .swarmdir", "ls ../repo.swarmdir"]
    {
        let done = swarm.start(&mut shared.command(STRANGER, line)).end();
        assert_ne!(done.code(), 0, "{line}: {}", done.out);
        swarm.start(&mut shared.command(TWO, line)).end().exits(0);
    }
    let said = shared.run(ONE, COORDINATOR, "doctor").out;
    assert!(said.contains("read by their owner and the group"), "{said}");
    // What the group cannot use is told.
    fs::set_permissions(swarm.at("queue/log"), fs::Permissions::from_mode(0o700)).unwrap();
    chown(swarm.at("queue/log"), Some(TWO), None).unwrap();
    let said = shared.run(ONE, COORDINATOR, "doctor");
    assert!(said.out.contains("the group cannot use queue/log"), "{} {}", said.out, said.err);
}

/// Where nothing says that it is shared, what two users made of it is not taken from the one by the other.
#[test]
fn a_group_that_works_there_already_is_not_shut_out_and_doctor_says_so() {
    let Some(shared) = Shared::new("", false) else { return };
    let swarm = &shared.swarm;
    fs::set_permissions(swarm.root(), fs::Permissions::from_mode(0o770)).unwrap();
    shared.run(ONE, COORDINATOR, "init").exits(0);
    let open = swarm.command("chmod").args(["-R", "g+rwX,o+rX", "queue", ".swarmdir"]).status();
    assert!(open.unwrap().success());
    fs::write(swarm.at("queue/pending/theirs.md"), "echo x > x.txt").unwrap();
    chown(swarm.at("queue/pending/theirs.md"), Some(TWO), Some(GROUP)).unwrap();
    let said = shared.run(ONE, COORDINATOR, "doctor");
    assert!(said.out.contains("the group or other users may read"), "{}", said.out);
    assert!(said.out.contains("share = \"group\""), "{}", said.out);
    let mode = fs::metadata(swarm.at("queue/pending")).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o770, "strangers are shut out, the group is not: {mode:o}");
}

#[test]
fn a_hidden_worker_is_alive_and_one_that_died_is_not() {
    let Some(shared) = Shared::new("share = \"group\"", true) else { return };
    let swarm = &shared.swarm;
    shared.run(ONE, COORDINATOR, "init").exits(0);
    let script =
        format!("[ $SWARMDIR_ATTEMPT -gt 1 ] || {{ {} }}; echo x > x.txt", swarm.holds("long"));
    fs::write(swarm.beside("long.sh"), script).unwrap();
    fs::set_permissions(swarm.beside("long.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    shared.run(ONE, COORDINATOR, "add --name long ../long.sh").exits(0);
    let first = shared.start(ONE, WORKER, "--drain");
    swarm.wait_held("long");
    // Settings of another user's are his to judge, too.
    shared.run(TWO, COORDINATOR, "trust").exits(0);
    // The other one's eyes: his commands, his worker, his coordinator.
    shared.run(TWO, COORDINATOR, "check").exits(0);
    shared.run(TWO, COORDINATOR, "add --name other -m 'echo y > y.txt'").exits(0);
    shared.run(TWO, WORKER, "--once").exits(0);
    let said = shared.run(TWO, COORDINATOR, "stop").exits(75);
    assert!(said.err.contains(&format!("user {ONE}")), "{}", said.err);
    assert!(!shared.journal().contains("worker_lost"), "{}", shared.journal());
    assert_eq!(swarm.names("claims").len(), 1);
    // The kernel says also of hidden ones that they are gone.
    let worker = swarm.status()["workers"][0]["pid"].as_i64().unwrap();
    kill(Pid::from_raw(i32::try_from(worker).unwrap()), Signal::SIGKILL).unwrap();
    first.end();
    let second = shared.start(TWO, WORKER, "");
    wait_until("it is told", || shared.journal().contains("process gone"));
    second.signal(Signal::SIGTERM);
    second.end();
}
