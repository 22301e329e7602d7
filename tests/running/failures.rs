//! Failures in classes: what each costs, when it is tried again, and what `explain` shows of it.

use std::fs;

use serde_json::Value;

use crate::support::swarm::Swarm;

fn explained(swarm: &Swarm, task: &str) -> (String, Value) {
    (swarm.coordinator(&["explain", task]).exits(0).out, swarm.json(&["explain", task]))
}

/// What is recorded of the latest attempt.
fn result(swarm: &Swarm, task: &str) -> Value {
    swarm.show(task)["attempts"].as_array().unwrap().last().unwrap()["result"].clone()
}

#[test]
fn explain_names_the_class_and_the_record_that_showed_it() {
    let swarm = Swarm::with(
        "default_agent = \"demo\"\ntimeouts = { silence = \"1s\", interrupt_grace = \"300ms\", terminate_grace = \"300ms\" }",
    );
    for (account, directive) in
        [("limit", "limit 60s"), ("overload", "overload"), ("auth", "auth"), ("spend", "credit")]
    {
        let settings = fs::read_to_string(swarm.at("swarm.toml")).unwrap();
        let own = format!("{settings}\n[agent.{account}]\nkind = \"demo\"\n");
        fs::write(swarm.at("swarm.toml"), own).unwrap();
        swarm.drop(format!("{account}.md"), format!("---\nagent: {account}\n---\n{directive}\n"));
    }
    swarm.drop("task", "write x.txt x\nfail the tests are red\n");
    swarm.drop("hangs", "say hello\nhang\n");
    swarm.drop("harness.md", "---\nagent: gone\n---\nx\n");
    let settings = fs::read_to_string(swarm.at("swarm.toml")).unwrap();
    let gone = "[agent.gone]\nkind = \"command\"\nargv = [\"no-such-program-anywhere\"]\n";
    fs::write(swarm.at("swarm.toml"), format!("{settings}\n{gone}")).unwrap();
    swarm.coordinator(&["--drain", "--agents", "3"]).exits(75);
    for (task, class, rule, source, shown) in [
        ("limit", "limit", "claude.usage-limit", "result", "usage_limit_reached"),
        ("overload", "overload", "claude.overloaded", "api_error", "Repeated 529"),
        ("auth", "auth", "claude.auth", "api_error", "authentication_failed"),
        ("spend", "spend", "claude.billing", "api_error", "billing_error"),
        ("task", "task", "claude.error", "result", "the tests are red"),
        ("hangs", "task", "swarmdir.silent", "supervisor", "it hangs: no output for"),
        ("harness", "harness", "swarmdir.missing", "worker", "no-such-program-anywhere"),
    ] {
        let (text, json) = explained(&swarm, task);
        let said = (&json["class"], &json["rule"], &json["evidence"]["source"]);
        assert_eq!(said, (&class.into(), &rule.into(), &source.into()), "{json}");
        assert!(json["evidence"]["record"].as_str().unwrap().contains(shown), "{json}");
        assert!(text.contains(&format!("  class: {class}, ")), "{text}");
        assert!(
            text.contains("  shown by ") && text.contains(&format!("(rule {rule}): ")),
            "{text}"
        );
        let raw = text.contains(&format!("coordinator logs {task}-")) && text.contains(" --raw");
        assert!(raw == (source == "result" || source == "api_error"), "{text}");
        let kept = result(&swarm, task);
        assert_eq!((&kept["class"], &kept["rule"]), (&class.into(), &rule.into()));
        assert_eq!(kept["charged"], class == "task", "{kept}");
    }
    swarm.drop("good.md", "---\nagent: sh\n---\necho x > x.txt\n");
    swarm.drain_to(75);
    // One that is to be tried again says it, too.
    swarm.coordinator(&["retry", "limit"]).exits(0);
    let (text, json) = explained(&swarm, "limit");
    assert!(text.contains("it is ready") && text.contains("its latest attempt failed"), "{text}");
    assert_eq!(json["class"], "limit", "{json}");
    let (text, json) = explained(&swarm, "good");
    assert!(
        json["class"].is_null() && json["evidence"].is_null() && !text.contains("class"),
        "{json}"
    );
    assert!(result(&swarm, "good")["class"].is_null());
}

#[test]
fn what_was_denied_is_not_tried_again_until_somebody_allows_it() {
    let swarm = Swarm::with("default_agent = \"demo\"\nmax_attempts = 3\ndrain_wait = \"2m\"");
    swarm.drop("denied", "once deny Bash\nsay I may not\nattempt 2 write x.txt x\n");
    swarm.drop("worked", "deny WebFetch\nwrite x.txt x\n");
    swarm.drain_to(1);
    assert_eq!(swarm.counts(), "done 1, failed 1");
    let (text, json) = explained(&swarm, "denied");
    assert_eq!((&json["class"], &json["rule"]), (&"permission".into(), &"swarmdir.denied".into()));
    assert!(
        json["evidence"]["record"].as_str().unwrap().contains("\"tool_name\":\"Bash\""),
        "{json}"
    );
    for said in ["after 1 attempt(s)", "tools were denied: Bash", "not tried again by itself"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let file = swarm.at(format!("queue/failed/{}", swarm.names("failed")[0]));
    assert!(text.contains(&format!("hint: allow Bash: allowed_tools under [agent.demo] in swarm.toml, or in the task's own file {file:?}")), "{text}");
    assert!(text.contains("hint: coordinator retry denied-"), "{text}");
    // Done with a note is no failure.
    let worked = result(&swarm, "worked");
    assert_eq!(
        (&worked["outcome"], &worked["class"], &worked["evidence"]),
        (&"denied".into(), &Value::Null, &Value::Null)
    );
    // What the hint says works: the file is read anew.
    let allowed =
        format!("---\nallowed_tools: [Bash]\n---\n{}", fs::read_to_string(&file).unwrap());
    fs::write(&file, allowed).unwrap();
    swarm.coordinator(&["retry", "denied"]).exits(0);
    swarm.drain();
    assert_eq!(swarm.counts(), "done 2");
}

const OWN: &str = "schema = 1\n[[rule]]\nid = \"my.full\"\nagents = [\"sh\"]\nfault = \"overload\"\nsays = \"the model server is full\"\nexit.code = 42\n";

#[test]
fn an_operator_teaches_the_queue_what_an_exit_code_means() {
    let swarm = Swarm::with("[failures]\nrules = \"own.toml\"");
    fs::write(swarm.at("own.toml"), OWN).unwrap();
    swarm.drop("full", "echo all slots taken >&2; exit 42");
    swarm.drop("other.md", "---\nagent: scratch\n---\nexit 42\n");
    swarm.coordinator(&["--drain", "--agents", "1"]).exits(75);
    // Another agent's 42 is its own.
    assert_eq!(swarm.counts(), "blocked 1, failed 1");
    let kept = result(&swarm, "full");
    assert_eq!((&kept["outcome"], &kept["charged"]), (&"overload".into(), &false.into()));
    assert_eq!((&kept["class"], &kept["rule"]), (&"overload".into(), &"my.full".into()));
    assert_eq!(kept["evidence"]["record"], "exit 42: all slots taken");
    assert_eq!(result(&swarm, "other")["rule"], "command.code");
    let breaker = &swarm.status()["accounts"][0];
    assert_eq!((&breaker["account"], &breaker["fault"]), (&"sh".into(), &"overload".into()));
    swarm.drop("behind", "echo x > x.txt");
    swarm.coordinator(&["--drain", "--agents", "1"]).exits(75);
    let (text, _) = explained(&swarm, "behind");
    assert!(
        text.contains("its agent sh waits") && text.contains("the model server is full"),
        "{text}"
    );
    let doctor = swarm.coordinator(&["doctor"]).out;
    assert!(doctor.contains("before them 1 of ") && doctor.contains("own.toml"), "{doctor}");
}

#[test]
fn a_night_is_mended_without_a_restart_and_a_broken_file_changes_nothing() {
    let swarm = Swarm::with("[failures]\nrules = \"own.toml\"");
    fs::write(swarm.at("own.toml"), OWN).unwrap();
    let worker = swarm.start_worker(&[]);
    swarm.drop("a.md", "---\nagent: scratch\n---\nexit 43\n");
    swarm.wait_count("failed", 1);
    fs::write(swarm.at("own.toml"), OWN.replace("42", "43").replace("[\"sh\"]", "[\"scratch\"]"))
        .unwrap();
    swarm.drop("b.md", "---\nagent: scratch\n---\nexit 43\n");
    swarm.wait_count("blocked", 1);
    assert_eq!(result(&swarm, "b")["rule"], "my.full");
    fs::write(swarm.at("own.toml"), OWN.replace("overload", "overlaod")).unwrap();
    swarm.drop("c", "exit 42");
    swarm.wait_count("failed", 2);
    // Who starts now says what is wrong, and where.
    let told = swarm.coordinator(&["doctor"]).exits(2).err;
    for said in [
        "own.toml",
        "line 5, column 9",
        "rule.fault",
        "did you mean `overload`?",
        "docs/failures.md",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    fs::write(swarm.at("own.toml"), OWN).unwrap();
    let kept = result(&swarm, "c");
    let note = kept["notes"][0].as_str().unwrap();
    assert!(note.contains("own.toml: line 5") && note.contains("the earlier rules hold"), "{note}");
    swarm.stop_now();
    worker.end().exits(143);
}
