//! Any program as an agent.

use swarmdir::agent::program;
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;
use swarmdir::domain::settings::limits::Limits;

use crate::support::jobs::{Place, run};

fn failure(ending: &Outcome) -> (Fault, &str) {
    match ending {
        Outcome::Failure { fault, detail } => (*fault, detail),
        Outcome::Success => panic!("it succeeded"),
    }
}

#[test]
fn the_prompt_comes_on_standard_input_and_as_an_argument() {
    let place = Place::new();
    let argv = ["sh", "-c", "cat > in; printf %s \"$1\" > arg", "sh", "{prompt}"];
    let kind = program::command(argv.map(str::to_owned).into());
    let report = run(&place.job(kind, "do $(it); \"now\""));
    assert_eq!(report.ending, Outcome::Success, "{report:?}");
    assert_eq!(place.text("in"), "do $(it); \"now\"");
    assert_eq!(place.text("arg"), place.text("in"));
}

#[test]
fn ten_megabytes_of_prompt_do_not_stop_a_program_that_never_reads_them() {
    let place = Place::new();
    let prompt = "x".repeat(10 << 20);
    assert_eq!(run(&place.sh("exit 0", &prompt)).ending, Outcome::Success);
    let report = run(&place.sh("wc -c", &prompt));
    assert_eq!(report.said.as_deref(), Some("10485760"));
}

#[test]
fn a_prompt_that_is_too_long_for_an_argument_is_the_tasks_fault() {
    let place = Place::new();
    let argv = ["echo", "{prompt}"].map(str::to_owned).into();
    let report = run(&place.job(program::command(argv), &"x".repeat(3 << 20)));
    assert_eq!(failure(&report.ending).0, Fault::Error, "{report:?}");
}

#[test]
fn it_is_judged_by_its_exit_code() {
    let place = Place::new();
    for (script, expected) in [
        ("echo no >&2; exit 3", Fault::Error),
        ("echo busy >&2; exit 75", Fault::Machine),
        ("kill -SEGV $$", Fault::Crashed),
        ("no-such-program-anywhere", Fault::Error),
    ] {
        let report = run(&place.sh(script, "x"));
        assert_eq!(failure(&report.ending).0, expected, "{script}: {report:?}");
    }
    let report = run(&place.sh("echo one; echo last words >&2; exit 9", "x"));
    assert_eq!(failure(&report.ending).1, "exit 9: last words");
    assert!(report.said.unwrap().ends_with("last words"));
}

#[test]
fn a_program_that_is_missing_is_nobodys_fault() {
    let place = Place::new();
    for name in ["no-such-agent", "./no-such-agent", "/nowhere/agent"] {
        let report = run(&place.job(program::command(vec![name.into()]), "x"));
        let (fault, detail) = failure(&report.ending);
        assert_eq!(fault, Fault::Missing);
        assert!(detail.contains("no-such-agent") || detail.contains("/nowhere/agent"), "{detail}");
        assert_eq!(report.exit, None);
    }
    let mut job = place.sh("true", "x");
    job.place.cwd = place.beside("nowhere");
    assert_eq!(failure(&run(&job).ending).0, Fault::Machine);
}

#[test]
fn limits_hold() {
    let place = Place::new();
    let mut job = place.sh("ulimit -c; ulimit -n; ulimit -t", "x");
    job.bounds.limits = Limits {
        core_bytes: Some(0),
        open_files: Some(64),
        cpu_secs: Some(77),
        processes: Some(100),
        ..Limits::default()
    };
    let report = run(&job);
    assert_eq!(report.said.as_deref(), Some("0\n64\n77"));
}

#[test]
fn a_script_around_an_agent_that_speaks_is_understood() {
    let place = Place::new();
    let line = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":529,"result":"API Error"}"#;
    let report = run(&place.sh(&format!("echo '{line}'; exit 1"), "x"));
    assert_eq!(failure(&report.ending), (Fault::Overload, "API Error"));
}

#[test]
fn what_reaches_it_is_the_users_environment_less_what_must_not() {
    let place = Place::new();
    let mut job =
        place.sh("printf '%s|%s|%s' \"$SWARMDIR_TASK\" \"$PWD\" \"$SECRET_ONE$PATH\"", "x");
    job.place.env_deny = vec!["SECRET_*".into(), "PATH".into()];
    job.place.env.push(("PATH".into(), "/bin:/usr/bin".into()));
    let report = run(&job);
    let expected = format!("try-it|{}|/bin:/usr/bin", place.tree().display());
    assert_eq!(report.said.as_deref(), Some(expected.as_str()));
}
