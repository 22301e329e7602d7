//! The whole swarm with the real `claude`: files are dropped, branches and bills come out.

use super::night::{KEY, Night, TOKEN};
use crate::support::stub::Step;

#[test]
fn dropped_files_become_branches_with_commits_and_bills() {
    let Some(night) = Night::set("") else { return };
    let commit = "echo hello > hello.txt && git add hello.txt && git commit -qm 'Say hello' && echo later > left.txt";
    night.stub.script("night", [Step::bash(commit), Step::text("Said hello.").tokens(3_000, 20)]);
    for name in ["one.md", "two.md"] {
        night.swarm.drop(name, "---\ntitle: Say hello\nmax_turns: 9\n---\nSay hello.\n");
    }
    let done = night.swarm.start(&mut night.coordinator(2, KEY)).end_slowly().exits(0);
    assert!(done.out.contains("2 done"), "{}", done.out);
    for slug in ["one", "two"] {
        let task = night.swarm.show(slug);
        assert_eq!((&task["state"], &task["outcome"]), (&"done".into(), &"done".into()), "{task}");
        assert!(task["usage"]["cost_usd"].as_f64().unwrap() > 0.0, "{task}");
        assert_eq!(task["usage"]["estimated"], false);
        let branch = task["branch"].as_str().unwrap();
        let subjects = night.swarm.git(&["log", "--format=%s", &format!("main..{branch}")]);
        assert_eq!(subjects.lines().last(), Some("Say hello"));
        assert_eq!(night.swarm.git(&["show", &format!("{branch}:left.txt")]), "later");
        let transcript = night.swarm.coordinator(&["logs", slug]).exits(0).out;
        assert!(transcript.contains("Said hello."), "{transcript}");
    }
    // What the stub served is what the ledger says, at the price of the model that was asked.
    let served = night.stub.served("night").cost_usd(4.0, 20.0);
    let billed: f64 = ["one", "two"]
        .iter()
        .map(|slug| night.swarm.show(slug)["usage"]["cost_usd"].as_f64().unwrap())
        .sum();
    assert!((served - billed).abs() < 1e-6, "served {served}, billed {billed}");
}

#[test]
fn a_five_hour_limit_parks_the_queue_and_charges_nobody() {
    let Some(night) = Night::set("") else { return };
    let reset = swarmdir::sys::clock::now().secs_ceil() + 3_600;
    night.stub.script("night", [Step::usage_limited(reset).forever()]);
    night.drop_tasks(6);
    night.swarm.start(&mut night.coordinator(2, TOKEN)).end_slowly().exits(75);
    let status = night.swarm.status();
    let blocked = status["counts"]["blocked"].as_u64().unwrap();
    // The first one tries the log-in; nobody comes after it.
    assert_eq!(blocked, 1, "{status}");
    assert_eq!(status["counts"]["ready"], 6 - blocked);
    assert_eq!(status["accounts"][0]["until_ms"], reset * 1_000);
    assert!(night.stub.served("night").calls <= 1);
    for task in status["tasks"].as_array().unwrap().iter().filter(|task| task["state"] == "blocked")
    {
        assert!(task["reason"].as_str().unwrap().starts_with("limit until "), "{task}");
        let shown = night.swarm.show(task["id"].as_str().unwrap());
        assert_eq!(shown["attempts"][0]["result"]["charged"], false);
    }
}
