//! The others: the same short program, so many times, two at a time. Each returns programs a second.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::lab::{Lab, Stopped, done};

const TRUE: &str = "/bin/true";

fn rate(count: usize, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}

/// `xargs -P2 -n1 /bin/true`
pub(crate) fn xargs(count: usize) -> f64 {
    let begun = Instant::now();
    done(Command::new("sh").args(["-c", &format!("seq {count} | xargs -P2 -n1 {TRUE}")]));
    rate(count, begun)
}

/// posix_spawn and wait, in two threads: what std does where nothing special is asked.
pub(crate) fn posix_spawn(count: usize) -> f64 {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..count / 2 {
                    assert!(Command::new(TRUE).status().unwrap().success());
                }
            });
        }
    });
    rate(count / 2 * 2, begun)
}

/// `tsp -S 2`, one client a task, and a wait for the last one.
pub(crate) fn tsp(lab: &Lab, count: usize) -> f64 {
    let place = lab.place("tsp");
    let command = |args: &[&str]| {
        let mut tsp = Command::new("tsp");
        tsp.args(args).env("TS_SOCKET", place.join("socket")).env("TMPDIR", &place);
        tsp.env("TS_MAXFINISHED", "10").stdin(Stdio::null()).stdout(Stdio::null());
        assert!(tsp.status().unwrap().success());
    };
    command(&["-S", "2"]);
    let begun = Instant::now();
    for _ in 0..count {
        command(&["-n", TRUE]);
    }
    command(&["-w"]);
    let rate = rate(count, begun);
    command(&["-K"]);
    rate
}

/// `nq`, which runs one at a time, and `nq -w`.
pub(crate) fn nq(lab: &Lab, count: usize) -> f64 {
    let place = lab.place("nq");
    let command = |args: &[&str]| {
        done(Command::new("nq").args(args).env("NQDIR", &place).current_dir(&place));
    };
    let begun = Instant::now();
    for _ in 0..count {
        command(&["-q", TRUE]);
    }
    command(&["-w"]);
    rate(count, begun)
}

/// pueue with two slots: the tasks are queued first, and only the draining is measured.
pub(crate) fn pueue(lab: &Lab, count: usize) -> f64 {
    let place = lab.place("pueue");
    let config = place.join("pueue.yml");
    std::fs::write(&config, pueue_settings(&place)).unwrap();
    let daemon = Command::new("pueued")
        .arg("-c")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _daemon = Stopped(daemon.unwrap());
    let command = |args: &[&str]| {
        let mut pueue = Command::new("pueue");
        pueue.arg("-c").arg(&config).args(args).stdout(Stdio::null()).stderr(Stdio::null());
        pueue.status().unwrap().success()
    };
    crate::lab::until("pueued answers", || command(&["status"]));
    assert!(command(&["parallel", "2"]) && command(&["pause"]));
    for _ in 0..count {
        assert!(command(&["add", "--", TRUE]));
    }
    let begun = Instant::now();
    assert!(command(&["start"]));
    assert!(command(&["wait", "--quiet"]));
    rate(count, begun)
}

fn pueue_settings(place: &Path) -> String {
    let place = place.display();
    format!(
        "shared:\n  pueue_directory: {place}\n  runtime_directory: {place}\n  use_unix_socket: true\n\
         \x20 unix_socket_path: {place}/s\n  pid_path: {place}/pid\nclient: {{}}\ndaemon: {{}}\n"
    )
}

/// A queue as one would build it from SQLite: a commit to claim and one to finish, two workers. Filled beforehand, as
/// `pending/` is.
pub(crate) fn sqlite(lab: &Lab, count: usize) -> f64 {
    let file = lab.place("sqlite").join("queue.db");
    let python = |args: &[&str]| {
        let mut python = Command::new("python3");
        python.args(["-c", SQLITE]).arg(&file).args(args).stdin(Stdio::null());
        python
    };
    done(python(&["fill", &count.to_string()]).stdout(Stdio::null()));
    let begun = Instant::now();
    let workers: Vec<_> = (0..2).map(|_| python(&["work"]).spawn().unwrap()).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let rate = rate(count, begun);
    done(&mut python(&["check", &count.to_string()]));
    rate
}

/// `posix_spawn` is what Python offers that is cheapest.
const SQLITE: &str = r#"
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=FULL")
if sys.argv[2] == "fill":
    db.execute("CREATE TABLE task (id INTEGER PRIMARY KEY, text TEXT, state INTEGER DEFAULT 0, code INTEGER)")
    db.execute("CREATE INDEX ready ON task (id) WHERE state = 0")
    db.execute("BEGIN")
    db.executemany("INSERT INTO task (text) VALUES (?)", [("do it\n",)] * int(sys.argv[3]))
    db.execute("COMMIT")
elif sys.argv[2] == "check":
    assert db.execute("SELECT count(*) FROM task WHERE state = 2 AND code = 0").fetchone()[0] == int(sys.argv[3])
else:
    CLAIM = ("UPDATE task SET state = 1 WHERE id = (SELECT id FROM task WHERE state = 0 ORDER BY id LIMIT 1) "
             "RETURNING id, text")
    while row := db.execute(CLAIM).fetchall():
        pid = os.posix_spawn("/bin/true", ["/bin/true"], os.environ)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        db.execute("UPDATE task SET state = 2, code = ? WHERE id = ?", (code, row[0][0]))
"#;
