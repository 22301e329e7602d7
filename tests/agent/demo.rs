//! The demo agent, through the same door as any other.

use swarmdir::agent::Progress;
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;

use crate::support::jobs::{Place, run};

fn fault(script: &str) -> Fault {
    let place = Place::new();
    match run(&place.demo(script)).ending {
        Outcome::Failure { fault, .. } => fault,
        Outcome::Success => panic!("{script:?} succeeded"),
    }
}

#[test]
fn a_script_writes_commits_and_is_billed() {
    let place = Place::new();
    place.repository();
    let mut job = place.demo("write a/b.txt one\nappend a/b.txt two\ncommit add b\ncost 0.12\ntokens 2000 50\nsay all done");
    job.place.env.push(("SWARMDIR_ATTEMPT".into(), "1".into()));
    let mut doing = Vec::new();
    let report = swarmdir::agent::Session::new().run(&job, &mut |progress| {
        if let Progress::Doing(what) = progress {
            doing.push(what.clone());
        }
    });
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert_eq!(report.exit.as_deref(), Some("exit 0"));
    assert_eq!(report.said.as_deref(), Some("all done"));
    assert_eq!(report.session.as_ref(), Some(&job.request.session));
    assert!((report.usage.cost_usd - 0.12).abs() < 1e-9 && !report.usage.estimated);
    assert_eq!((report.usage.input_tokens, report.usage.output_tokens), (2000, 50));
    assert!(report.first_event_ms.is_some_and(|at| at <= report.elapsed_ms));
    assert_eq!(place.text("a/b.txt"), "one\ntwo\n");
    assert_eq!(place.log(), ["add b", "start"]);
    assert!(doing.iter().any(|what| what == "Write a/b.txt"), "{doing:?}");
    let recorded = std::fs::read_to_string(&job.place.files.events).unwrap();
    assert!(recorded.lines().count() > 8 && recorded.ends_with("}\n"));
}

#[test]
fn any_other_prompt_leaves_a_file_and_a_commit() {
    let place = Place::new();
    place.repository();
    let report = run(&place.demo("Fix the login\n\nIt fails on Tuesdays.\n"));
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert!(place.text("try-it.md").contains("Tuesdays"));
    assert_eq!(place.log()[0], "Fix the login");
}

#[test]
fn errors_of_the_service_and_of_the_task_are_told_apart() {
    assert_eq!(fault("overload"), Fault::Overload);
    assert_eq!(fault("auth"), Fault::Auth);
    assert_eq!(fault("credit"), Fault::Spend);
    assert_eq!(fault("fail no way"), Fault::Error);
    assert_eq!(fault("exit 3"), Fault::NoResult);
    assert_eq!(fault("say hello\ncrash ABRT"), Fault::Crashed);
    assert_eq!(fault("say hello\ncrash SEGV"), Fault::Crashed);
    assert!(matches!(fault("limit 60s"), Fault::Limit { resets_at_secs: Some(_) }));
    assert_eq!(fault("```demo\nwirte x\n```"), Fault::Error);
}

#[test]
fn denied_tools_attempts_and_odd_lines() {
    let place = Place::new();
    let mut job = place.demo(
        "once fail first\ndeny Bash\ndeny Bash\ngarbage\nbig-line 40000000\nenv SWARMDIR_ATTEMPT n\nsay ok",
    );
    job.place.env.push(("SWARMDIR_ATTEMPT".into(), "2".into()));
    let report = run(&job);
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert_eq!(report.denied_tools, ["Bash"]);
    assert_eq!(report.notes.iter().filter(|note| note.contains("too long")).count(), 1);
    assert_eq!(place.text("n"), "2");
}
