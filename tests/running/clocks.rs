//! Clocks that were wrong and agents that lie about time: nothing waits longer than what it waits for can last.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use swarmdir::sys::clock;

use crate::support::deadline::{wait_for, wait_until};
use crate::support::swarm::{Swarm, WORKER};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// `clock_gettime` with the calendar ahead by as many seconds as a file says, for whoever loads it.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t c, struct timespec *t) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int r = real(c, t);
  if (r || (c != CLOCK_REALTIME && c != CLOCK_REALTIME_COARSE)) return r;
  FILE *f = fopen(getenv("AHEAD_FILE"), "r");
  long long ahead = 0;
  if (f) { if (fscanf(f, "%lld", &ahead) != 1) ahead = 0; fclose(f); }
  t->tv_sec += ahead;
  return r;
}
"#;

/// A queue whose agent meets a usage limit until the file `right` is there.
struct Limited {
    swarm: Swarm,
}

impl Limited {
    fn new() -> Limited {
        let swarm = Swarm::with("[failures]\nrules = \"rules.toml\"\n");
        let rules = "schema = 1\nversion = \"t\"\n[[rule]]\nid = \"my.limit\"\nfault = \"limit\"\nsays = \"limit\"\nexit.code = 42\n";
        fs::write(swarm.at("rules.toml"), rules).unwrap();
        let right = swarm.beside("right");
        swarm.drop(
            "limited.md",
            format!("[ -e {} ] && echo x > x.txt || exit 42\n", right.display()),
        );
        Limited { swarm }
    }

    fn set_right(&self) {
        fs::write(self.swarm.beside("right"), "").unwrap();
    }

    /// Everything that the latest attempt wrote, as if its clock had been ahead by so much.
    fn as_if_ahead(&self, secs: u64) {
        let queue = self.swarm.at("queue");
        let name = self.swarm.names("blocked").remove(0);
        let (task, until) = name.rsplit_once('-').unwrap();
        let until: u64 = until.parse::<u64>().unwrap() + secs;
        fs::rename(
            queue.join("blocked").join(&name),
            queue.join(format!("blocked/{task}-{until}")),
        )
        .unwrap();
        let shift = |path: &Path, keys: &[&str]| {
            let mut record: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            for key in keys {
                record[*key] = (record[*key].as_u64().unwrap() + secs * 1_000).into();
            }
            fs::write(path, record.to_string()).unwrap();
        };
        shift(&queue.join("accounts/sh"), &["since_ms", "until_ms"]);
        let id = self.swarm.names("runs").remove(0);
        let attempts = self.swarm.names(&format!("runs/{id}"));
        let attempt = attempts.into_iter().find(|name| name.len() > 30).unwrap();
        shift(&queue.join("runs").join(id).join(attempt).join("result.json"), &["ended_at_ms"]);
    }
}

#[test]
fn what_a_clock_wrote_that_was_ahead_holds_nobody_up() {
    for ahead in [10 * 60, 3 * HOUR, 3 * DAY, 10 * YEAR] {
        let limited = Limited::new();
        limited.swarm.worker(&["--drain"]).exits(75);
        limited.set_right();
        limited.as_if_ahead(ahead);
        let why = limited.swarm.coordinator(&["explain", "limited"]).exits(0).out;
        assert!(why.contains("it goes on as soon as somebody works"), "{ahead}: {why}");
        assert_eq!(limited.swarm.status()["accounts"], serde_json::json!([]), "{ahead}");
        limited.swarm.drop("other.md", "echo y > y.txt\n");
        limited.swarm.drain();
        assert_eq!(limited.swarm.counts(), "done 2", "{ahead}");
    }
}

#[test]
fn what_a_clock_wrote_that_was_right_holds() {
    let limited = Limited::new();
    limited.swarm.worker(&["--drain"]).exits(75);
    limited.set_right();
    limited.swarm.drop("other.md", "echo y > y.txt\n");
    // Two machines may differ a little.
    limited.as_if_ahead(20);
    limited.swarm.worker(&["--drain"]).exits(75);
    assert_eq!(limited.swarm.counts(), "blocked 1, ready 1");
    assert_eq!(limited.swarm.status()["accounts"][0]["fault"], "limit");
}

/// The shim, built by the compiler that linked this test.
fn shim(dir: &Path) -> PathBuf {
    let (source, library) = (dir.join("ahead.c"), dir.join("ahead.so"));
    fs::write(&source, SHIM).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl");
    assert!(cc.status().unwrap().success());
    library
}

/// A worker that lives through the correction, as on a machine that gets its time from the network.
#[test]
fn a_clock_that_is_corrected_while_a_worker_runs_ends_every_wait() {
    for ahead in [2 * HOUR, 3 * DAY] {
        let limited = Limited::new();
        let swarm = &limited.swarm;
        let file = swarm.beside("ahead");
        fs::write(&file, ahead.to_string()).unwrap();
        let mut worker = swarm.command(WORKER);
        worker.env("LD_PRELOAD", shim(&swarm.beside(""))).env("AHEAD_FILE", &file);
        let worker = swarm.start(&mut worker);
        // What is taken in stands in the same directory for a moment.
        let limited_until = || {
            let names = swarm.names("blocked");
            names.iter().find_map(|name| name.rsplit_once("~limit-")?.1.parse::<u64>().ok())
        };
        let until = wait_for("the limit", limited_until);
        assert!(until > clock::now().secs_ceil() + ahead, "{until}: the clock was ahead");
        swarm.drop("other.md", "echo y > y.txt\n");
        wait_until("the other is taken in", || !swarm.names("ready").is_empty());
        limited.set_right();
        let corrected = swarm.beside("corrected");
        fs::write(&corrected, "0").unwrap();
        fs::rename(corrected, &file).unwrap();
        swarm.wait_count("done", 2);
        swarm.stop_now();
        worker.end();
    }
}

/// An agent of kind claude that says one line about its limits, and then that all went well.
fn liar(swarm: &Swarm, info: &str) {
    let script = format!(
        r#"#!/bin/sh
[ "$1" = --version ] && {{ echo "2.1.328 (Claude Code)"; exit; }}
s=$(printf '%s\n' "$@" | sed -n 's/--session-id=//p'); cat >/dev/null
echo '{{"type":"system","subtype":"init","session_id":"'$s'","model":"m","tools":[]}}'
echo '{{"type":"assistant","message":{{"id":"1","model":"m","content":[{{"type":"text","text":"hi"}}]}}}}'
echo '{{"type":"rate_limit_event","rate_limit_info":{info}}}'
echo '{{"type":"system","subtype":"api_retry","attempt":1,"max_retries":9,"retry_delay_ms":99999999999999}}'
echo '{{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"hi"}}'
"#
    );
    let path = swarm.beside("liar");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn one_line_pauses_an_account_for_no_longer_than_its_window() {
    let now = clock::now().secs_ceil();
    let quarter = 15 * 60;
    for (kind, at, status, longest) in [
        (r#""five_hour""#, "4102444800".to_owned(), "rejected", quarter),
        (r#""five_hour""#, "4102444800000".to_owned(), "rejected", quarter),
        (r#""five_hour""#, (now + 6 * HOUR).to_string(), "rejected", quarter),
        (r#""five_hour""#, format!("{}.5e0", now + 4 * HOUR), "rejected", 4 * HOUR + 1),
        (r#""five_hour""#, "1e300".to_owned(), "rejected", quarter),
        (r#""five_hour""#, "-1".to_owned(), "rejected", quarter),
        (r#""five_hour""#, r#""2100-01-01T00:00:00Z""#.to_owned(), "rejected", quarter),
        (r#""seven_day""#, (now + 8 * DAY).to_string(), "rejected", quarter),
        (r#""seven_day""#, (now + 6 * DAY).to_string(), "rejected", 6 * DAY),
        (r#""a_month""#, (now + 20 * DAY).to_string(), "rejected", quarter),
        ("null", (now + 2 * DAY).to_string(), "rejected", quarter),
        ("7", "18446744073709551615".to_owned(), "rejected", quarter),
        (r#""five_hour""#, "4102444800".to_owned(), "allowed_warning", quarter),
    ] {
        let settings = "default_agent = \"liar\"\n[agent.liar]\nkind = \"claude\"\nprogram = \"../liar\"\naccount = \"liar\"\n";
        let swarm = Swarm::with(settings);
        liar(
            &swarm,
            &format!(
                r#"{{"status":"{status}","resetsAt":{at},"rateLimitType":{kind},"utilization":1.0}}"#
            ),
        );
        swarm.drop("one.md", "Do it.\n");
        swarm.worker(&["--drain"]).exits(0);
        let breaker: Value =
            serde_json::from_slice(&fs::read(swarm.at("queue/accounts/liar")).unwrap()).unwrap();
        let until = breaker["until_ms"].as_u64().unwrap() / 1_000;
        let after = until.saturating_sub(now);
        assert!(after <= longest + 60, "{kind} {at} {status}: {after} s: {breaker}");
        // And it does close it, for as long as it may.
        assert!(after + 60 >= longest, "{kind} {at} {status}: {after} s: {breaker}");
    }
}
