//! An attempt that was cut short goes on: in its tree, in its session, with what is left of its budget.

use std::fs;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::claude;
use crate::support::deadline::wait_until;
use crate::support::proof::proof;
use crate::support::stub::{Step, Stub};
use crate::support::swarm::{Swarm, WORKER};

/// One task of a swarm whose agent is the real claude, held in the midst of a tool.
pub(super) struct Rig {
    pub(super) swarm: Swarm,
    pub(super) stub: Stub,
}

pub(super) const TASK: &str = "Write half.txt, then rest.txt.";

impl Rig {
    /// `None` where there is no claude, which `claude::required` says loudly.
    pub(super) fn set(settings: &str) -> Option<Rig> {
        let program = claude::required()?;
        let program = Value::from(program.to_str().unwrap());
        let settings = format!(
            "default_agent = \"claude\"\n{settings}\n[agent.claude]\nkind = \"claude\"\nprogram = {program}\n"
        );
        let rig = Rig { swarm: Swarm::with(&settings), stub: Stub::start() };
        let hold = rig.swarm.holds("tool").trim_end().to_owned();
        rig.stub.script(
            "night",
            [
                Step::bash(
                    "echo half > half.txt && git add half.txt && git commit -qm 'Half of it'",
                ),
                Step::bash(&format!("echo more > more.txt; {hold}")),
                Step::bash("echo rest > rest.txt"),
                Step::text("All done."),
            ],
        );
        Some(rig)
    }

    pub(super) fn worker(&self) -> Command {
        let mut command = self.swarm.command(WORKER);
        command.env("ANTHROPIC_BASE_URL", self.stub.url("night"));
        command.env("ANTHROPIC_API_KEY", "dummy").env("CLAUDE_CODE_MAX_RETRIES", "1");
        command
    }

    /// Drops the task, and kills its worker in the midst of the tool.
    #[track_caller]
    pub(super) fn kill_at_work(&self, text: &str) {
        self.swarm.drop("it", text);
        let first = self.swarm.start(&mut self.worker());
        self.swarm.wait_held("tool");
        first.signal(Signal::SIGKILL);
        first.end().exits(137);
    }

    /// Works the rest off, and shows the task.
    #[track_caller]
    pub(super) fn finish(&self) -> Value {
        self.swarm.let_go("tool");
        self.swarm.start(self.worker().arg("--drain")).end_slowly().exits(0);
        assert_eq!(self.swarm.counts(), "done 1");
        self.swarm.show("it")
    }

    /// Tokens of the calls after the first so many, as far as bytes say: four to a token.
    fn input_tokens_after(&self, calls: usize) -> usize {
        let requests = self.stub.requests();
        requests[calls..].iter().map(|request| request.body.to_string().len() / 4).sum()
    }

    /// The sessions of the calls, in order.
    pub(super) fn sessions(&self) -> Vec<String> {
        self.stub.requests().iter().map(|request| request.session.clone()).collect()
    }

    /// All attempts spoke in one session, and what the first did was not done again.
    #[track_caller]
    fn assert_gone_on(&self, task: &Value) {
        let session = task["attempts"][0]["start"]["session"].as_str().unwrap();
        assert_eq!(task["attempts"][1]["start"]["session"], session, "{task}");
        assert!(self.sessions().iter().all(|s| s == session), "{:?}", self.sessions());
        assert_eq!(self.stub.served("night").calls, 4, "no call was made twice");
        assert_eq!(self.stub.problems(), Vec::<String>::new());
        let branch = task["branch"].as_str().unwrap();
        for (file, text) in [("half.txt", "half"), ("more.txt", "more"), ("rest.txt", "rest")] {
            assert_eq!(self.swarm.git(&["show", &format!("{branch}:{file}")]), text);
        }
        let last = self.stub.requests();
        let told = format!("{:?}", last[2].body);
        assert!(told.contains("You were interrupted") && told.contains("Half of it"), "{told}");
    }
}

#[test]
fn after_a_kill_in_the_midst_of_a_tool_the_session_goes_on() {
    let Some(rig) = Rig::set("") else { return };
    rig.kill_at_work(TASK);
    let task = rig.finish();
    assert_eq!(task["attempts"][0]["lost"]["evidence"], "its process is dead");
    rig.assert_gone_on(&task);
}

#[test]
fn a_pause_that_says_now_parks_what_runs_and_a_resume_goes_on_with_it() {
    let Some(rig) = Rig::set("") else { return };
    rig.swarm.drop("it", TASK);
    let worker = rig.swarm.start(&mut rig.worker());
    rig.swarm.wait_held("tool");
    fs::write(rig.swarm.at("interrupt"), "now\n").unwrap();
    let id = rig.swarm.names("runs").remove(0);
    let context = rig.swarm.at("queue/runs").join(&id).join("context.md");
    wait_until("what stands, in words", || context.exists());
    wait_until("the agent's end", || rig.swarm.names("claims").is_empty());
    let text = fs::read_to_string(&context).unwrap();
    for said in ["Half of it", "stopped", "Bash"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let task = rig.swarm.show("it");
    let result = &task["attempts"][0]["result"];
    assert_eq!((&result["outcome"], &result["charged"]), (&"stopped".into(), &false.into()));
    rig.swarm.let_go("tool");
    rig.swarm.coordinator(&["resume"]).exits(0);
    rig.swarm.wait_in("done", "it");
    rig.assert_gone_on(&rig.swarm.show("it"));
    rig.swarm.stop_now();
    worker.end().exits(143);
}

/// All processes are gone, and the kernel is another one: nothing can be known by process number.
#[test]
fn after_a_reboot_the_session_goes_on() {
    let Some(rig) = Rig::set("") else { return };
    rig.swarm.drop("it", TASK);
    let first = rig.swarm.start(&mut rig.worker());
    rig.swarm.wait_held("tool");
    for (pid, _) in rig.swarm.processes() {
        let _died_of_another = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    first.end().exits(137);
    wait_until("the end of all", || rig.swarm.processes().is_empty());
    let now = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let before = "00000000-0000-4000-8000-000000000000";
    let id = rig.swarm.names("runs").remove(0);
    let attempt =
        rig.swarm.names(&format!("runs/{id}")).into_iter().find(|n| n.len() > 30).unwrap();
    let worker = rig.swarm.names("workers").remove(0);
    for path in [format!("workers/{worker}"), format!("runs/{id}/{attempt}/attempt.json")] {
        let path = rig.swarm.at("queue").join(path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(now.trim()));
        // In place: a claim is a link of the worker's file.
        fs::write(&path, text.replace(now.trim(), before)).unwrap();
    }
    let task = rig.finish();
    assert_eq!(task["attempts"][0]["lost"]["evidence"], "its machine restarted");
    rig.assert_gone_on(&task);
}

#[test]
fn where_the_session_is_gone_a_fresh_one_is_told_where_things_stand() {
    let Some(rig) = Rig::set("") else { return };
    rig.kill_at_work(TASK);
    // It writes its transcript to the end.
    wait_until("the agent's end", || rig.swarm.processes().is_empty());
    fs::remove_dir_all(rig.swarm.beside("home").join(".claude/projects")).unwrap();
    let task = rig.finish();
    let sessions = rig.sessions();
    assert_ne!(sessions.first(), sessions.last());
    let notes = task["attempts"][1]["result"]["notes"].to_string();
    assert!(notes.contains("a fresh one was told"), "{task}");
    let told = format!("{:?}", rig.stub.requests().last().unwrap().body);
    for said in [TASK, "Where this task stands", "Half of it"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert_eq!(rig.stub.served("night").calls, 6);

    // What going on in the session saves: the calls that were made already.
    let starting_over = rig.input_tokens_after(2);
    let Some(rig) = Rig::set("") else { return };
    rig.kill_at_work(TASK);
    rig.assert_gone_on(&rig.finish());
    let going_on = rig.input_tokens_after(2);
    assert!(going_on < starting_over, "{going_on} {starting_over}");
    proof(
        "resume",
        "input tokens after a kill -9, going on in the session : starting over",
        format_args!("{going_on} : {starting_over}"),
    );
}

#[test]
fn what_was_spent_counts_and_a_spent_budget_starts_nothing() {
    let Some(rig) = Rig::set("max_attempts = 2\ndrain_wait = \"2m\"") else { return };
    // Each call costs $0.009, and claude looks at its budget after each: two fit, the tool runs.
    rig.kill_at_work(&format!("---\nmax_budget_usd: 0.020\n---\n{TASK}"));
    rig.swarm.let_go("tool");
    rig.swarm.start(rig.worker().arg("--drain")).end_slowly().exits(1);
    assert_eq!(rig.swarm.counts(), "failed 1");
    // With what was left one more call was made; after that nothing was left, and nothing was asked.
    assert_eq!(rig.stub.served("night").calls, 3);
    let task = rig.swarm.show("it");
    let outcomes: Vec<&Value> = (1..3).map(|n| &task["attempts"][n]["result"]["outcome"]).collect();
    assert_eq!(outcomes, ["budget", "budget"], "{task}");
    let why = rig.swarm.coordinator(&["explain", "it"]).exits(0).out;
    assert!(why.contains("its budget is spent: $0.0"), "{why}");
}
