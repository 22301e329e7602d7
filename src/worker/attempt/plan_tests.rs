//! What an attempt is to do, by everything that it follows from.

use std::path::PathBuf;

use super::*;
use crate::agent::program;
use crate::domain::account::usage::Usage;
use crate::domain::settings::agents::AgentProfile;
use crate::domain::settings::config::Config;
use crate::domain::settings::limits::Limits;
use crate::domain::settings::programs::Executable;
use crate::domain::settings::repositories::RigProfile;
use crate::domain::task::name::AttemptName;
use crate::domain::task::spec::TaskSpec;
use crate::site::{AttemptPaths, QueuePaths};
use crate::worker::attempt::earlier::Earlier;
use crate::worker::attempt::workplace::PlaceFacts;

const NAME: &str = "20261120T113012123-fix-k3f9.3.0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// Where the attempt writes.
fn paths() -> AttemptPaths {
    QueuePaths::new("/q".into()).attempt(&AttemptName::parse(NAME).expect("a name"))
}

/// Everything that a plan follows from; a test changes what it is about.
struct Given {
    config: Config,
    profile: AgentProfile,
    spec: TaskSpec,
    place: PlaceFacts,
    earlier: Earlier,
    template: &'static str,
}

/// A first attempt of claude in a fresh tree.
fn given() -> Given {
    let config = Config::built_in("/root".into(), program::all());
    Given {
        profile: config.profiles["claude"].clone(),
        config,
        spec: TaskSpec { prompt: "Fix it.".into(), ..TaskSpec::default() },
        place: PlaceFacts {
            path: "/trees/a".into(),
            branch: Some("swarm/x".into()),
            base: Some("0123".into()),
            continued: false,
            lacks_identity: false,
        },
        earlier: Earlier::default(),
        template: "{{task}} {{attempt}} {{branch}} {{title}}",
    }
}

fn command() -> AgentKind {
    program::command(vec!["true".into()])
}

impl Given {
    fn with(change: impl FnOnce(&mut Given)) -> Given {
        let mut given = given();
        change(&mut given);
        given
    }

    fn resuming(change: impl FnOnce(&mut Given)) -> Given {
        Given::with(|given| {
            given.place.continued = true;
            given.earlier.attempts = 2;
            given.earlier.session = Some("old".into());
            given.earlier.spent_usd = 4.0;
            given.earlier.ended = "limit: full".into();
            change(given);
        })
    }

    fn plan(&self) -> Result<AttemptPlan, NotStarted> {
        let name = AttemptName::parse(NAME).expect("a name");
        let attempt = Attempt {
            name: &name,
            number: 3,
            spec: &self.spec,
            agent: "claude",
            profile: &self.profile,
            place: &self.place,
            earlier: &self.earlier,
        };
        attempt.plan(&Means {
            config: &self.config,
            template: self.template,
            queue_place: "q",
            paths: paths(),
            context_file: PathBuf::from("/runs/context.md"),
            group: None,
            demo_argv: &[],
            fresh_session: "new".into(),
        })
    }

    fn planned(&self) -> AttemptPlan {
        self.plan().unwrap_or_else(|why| panic!("{why:?}"))
    }
}

#[test]
fn a_session_goes_on_or_a_fresh_one_is_told_where_things_stand() {
    let first = given();
    let resumed = Given::resuming(|_| {});
    let fresh = Given::resuming(|given| given.earlier.session = None);
    let mute = Given::resuming(|given| given.profile.kind = command());
    let stands = "Where this task stands";
    let interrupted = "You were interrupted";
    for (given, session, resumes, says, says_not, case) in [
        (&first, "new", false, "Fix it.", stands, "the first attempt"),
        (&resumed, "old", true, interrupted, "Fix it.", "the session is there"),
        (&fresh, "new", false, stands, interrupted, "it is not"),
        (&mute, "new", false, "Fix it.", stands, "a script is told its prompt"),
    ] {
        let plan = given.planned();
        let request = &plan.job.request;
        assert_eq!((request.session.as_str(), request.resume), (session, resumes), "{case}");
        assert!(request.prompt.contains(says), "{case}: {}", request.prompt);
        assert!(!request.prompt.contains(says_not), "{case}: {}", request.prompt);
        assert_eq!(plan.keeps_session, given.profile.kind != command(), "{case}");
    }
    assert!(fresh.planned().job.request.prompt.starts_with("Fix it.\n"), "and its task again");
}

#[test]
fn what_the_task_says_counts_before_the_profile_and_that_before_ours_as_far_as_there_is_budget() {
    type Change = fn(&mut Given);
    let cases: [(Change, u32, f64, &str); 6] = [
        (|_| {}, 50, 6.0, "ours, less what was spent"),
        (|g| g.profile.defaults.max_turns = Some(7), 7, 6.0, "the profile's"),
        (|g| g.spec.max_turns = Some(9), 9, 6.0, "the task's"),
        (
            |g| {
                g.profile.defaults.max_turns = Some(7);
                g.spec.max_turns = Some(9);
                g.profile.defaults.max_budget_usd = Some(20.0);
                g.spec.max_budget_usd = Some(5.0);
            },
            9,
            1.0,
            "the task before the profile",
        ),
        (|g| g.config.task_caps.max_turns = Some(3), 3, 6.0, "ours is never above the cap"),
        (|g| g.config.task_caps.max_budget_usd = Some(4.5), 50, 0.5, "nor is our budget"),
    ];
    for (change, turns, usd, case) in cases {
        let request = Given::resuming(change).planned().job.request;
        assert_eq!(request.max_turns, turns, "{case}");
        assert!((request.max_budget_usd - usd).abs() < 1e-9, "{case}: {}", request.max_budget_usd);
    }
    let spent = Given::resuming(|given| given.spec.max_budget_usd = Some(4.0));
    let why = spent.plan().err().expect("nothing is left");
    assert_eq!((why.fault, why.detail.as_str()), (Fault::Budget, "its budget is spent: $4.00"));
}

#[test]
fn tools_and_limits_and_deadlines_come_from_whoever_says_most_exactly() {
    let tools = |given: &Given| given.planned().job.request.allowed_tools;
    assert_eq!(tools(&given()), TOOLS);
    let own = Given::with(|given| given.spec.allowed_tools = Some(vec!["Read".into()]));
    assert_eq!(tools(&own), ["Read"]);
    let none = Given::with(|given| {
        given.spec.disallowed_tools = Some(vec!["A".into()]);
        given.profile.defaults.disallowed_tools = Some(vec!["B".into()]);
    });
    assert_eq!(none.planned().job.request.disallowed_tools, ["A", "B"], "both are taken away");

    let held = Given::with(|given| {
        given.spec.timeout_ms = Some(1_000);
        given.spec.limits = Limits { tree_processes: Some(900), ..Limits::default() };
        given.config.limit_caps = Limits { tree_processes: Some(100), ..Limits::CAPS };
    });
    let bounds = held.planned().job.bounds;
    assert_eq!(bounds.timeouts.wall_ms, 1_000);
    assert_eq!(bounds.limits.tree_processes, Some(100), "what the operator lets a task have");
}

#[test]
fn a_fresh_tree_is_set_up_by_its_rigs_command_or_by_the_general_one() {
    let general = |given: &mut Given| given.config.setup = vec!["make".into()];
    let rig = |given: &mut Given, setup: Option<&str>| {
        general(given);
        given.config.rig = Some("app".into());
        let setup = setup.map(|argv| argv.split_whitespace().map(str::to_owned).collect());
        given.config.rigs.insert("app".into(), RigProfile { path: "/app".into(), setup });
    };
    let none: &[&str] = &[];
    for (given, argv, case) in [
        (given(), none, "nothing is to be set up"),
        (Given::with(general), &["make"], "the general one"),
        (Given::with(|given| rig(given, Some("npm ci"))), &["npm", "ci"], "the rig's own"),
        (Given::with(|given| rig(given, None)), &["make"], "a rig without one"),
        (Given::with(|given| rig(given, Some(""))), none, "a rig that wants none"),
        (
            Given::with(|given| {
                general(given);
                given.place.continued = true;
            }),
            none,
            "the tree goes on",
        ),
        (
            Given::with(|given| {
                general(given);
                given.place.branch = None;
            }),
            none,
            "a scratch directory",
        ),
    ] {
        let plan = given.planned();
        let setup = plan.setup.as_ref().map(|job| match job.kind.executable() {
            Executable::Argv(argv) => argv.to_vec(),
            other => panic!("{other:?}"),
        });
        assert_eq!(setup.unwrap_or_default(), argv, "{case}");
    }
    let setup = Given::with(general).planned().setup.expect("one");
    assert_eq!(setup.bounds.timeouts.wall_ms, given().config.timeouts.setup_ms);
    assert_eq!(setup.place.files.events, paths().setup_events());
    assert!(setup.request.prompt.is_empty(), "it is asked nothing");
}

#[test]
fn it_is_told_where_it_works_and_who_it_is() {
    let value = |plan: &AttemptPlan, name: &str| {
        let found = plan.job.place.env.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let first = given().planned();
    assert_eq!(first.job.place.cwd, PathBuf::from("/trees/a"));
    let id = first.job.request.instructions.split(' ').next().map(str::to_owned);
    assert!(first.job.request.instructions.ends_with(" 3 swarm/x fix"), "the slug is its title");
    assert_eq!(value(&first, "SWARMDIR_TASK"), id);
    assert_eq!(value(&first, "SWARMDIR_BRANCH").as_deref(), Some("swarm/x"));
    assert_eq!(value(&first, "SWARMDIR_CONTEXT"), None, "nothing came before");
    assert_eq!(value(&first, "GIT_AUTHOR_NAME"), None, "the user has a name");

    let next = Given::resuming(|given| {
        given.place.lacks_identity = true;
        given.spec.env.insert("SWARMDIR_BRANCH".into(), "mine".into());
        given.spec.env.insert("GIT_AUTHOR_NAME".into(), "mine".into());
    });
    let next = next.planned();
    assert_eq!(value(&next, "SWARMDIR_CONTEXT").as_deref(), Some("/runs/context.md"));
    assert_eq!(
        value(&next, "SWARMDIR_BRANCH").as_deref(),
        Some("swarm/x"),
        "ours is the last word"
    );
    assert_eq!(value(&next, "GIT_AUTHOR_NAME").as_deref(), Some("mine"), "the task's before ours");

    let broken = Given::with(|given| given.template = "{{tsak}}");
    let why = broken.plan().err().expect("no such variable");
    assert!(why.fault == Fault::Missing && why.detail.starts_with("the instructions: line 1"));
}

fn report(ending: Outcome, session: Option<&str>, refused_at_once: bool) -> Report {
    let usage = Usage { cost_usd: 0.25, turns: 1, ..Usage::default() };
    let session = session.map(str::to_owned);
    let notes = vec!["a note".into()];
    let none = Report::not_started(Fault::Error, String::new());
    Report { ending, usage, session, refused_at_once, elapsed_ms: 5, swept: 1, notes, ..none }
}

#[test]
fn only_a_resumption_that_came_to_nothing_is_tried_in_a_fresh_session() {
    let failed = |fault| Outcome::Failure { fault, detail: "API Error: 400 x".into() };
    let resumed = Given::resuming(|_| {}).planned();
    let tried = |report: &Report| resumed.begins_anew(report).is_some();
    assert!(tried(&report(failed(Fault::Error), None, false)));
    let refused = report(failed(Fault::Error), Some("s"), true);
    let why = resumed.begins_anew(&refused).expect("another try");
    assert!(why.contains("API Error: 400 x") && why.contains("a fresh one was told"), "{why}");
    assert!(!tried(&report(failed(Fault::Error), Some("s"), false)), "it did something");
    assert!(!tried(&report(failed(Fault::Spend), Some("s"), true)), "no credit");
    assert!(!tried(&report(failed(Fault::Stopped), None, false)), "we stopped it");
    assert!(!tried(&report(Outcome::Success, Some("s"), false)));
    assert_eq!(given().planned().begins_anew(&refused), None, "a fresh one is the last");
    let poor = Given::resuming(|given| given.spec.max_budget_usd = Some(4.25)).planned();
    assert_eq!(poor.begins_anew(&refused), None, "nothing is left to spend");

    let anew = resumed.anew(0.25, "newer".into()).job.request;
    assert_eq!((anew.session.as_str(), anew.resume), ("newer", false));
    assert!(anew.prompt.contains("Fix it.") && anew.prompt.contains("Where this task stands"));
    assert!((anew.max_budget_usd - 5.75).abs() < 1e-9, "what the first try cost is spent");
}

#[test]
fn what_the_first_try_cost_is_on_the_bill() {
    let both =
        after(report(Outcome::Success, None, true), report(Outcome::Success, Some("s"), false));
    assert!((both.usage.cost_usd - 0.5).abs() < 1e-9 && both.usage.turns == 2);
    assert_eq!((both.session.as_deref(), both.elapsed_ms, both.swept), (Some("s"), 10, 2));
    assert_eq!(both.notes.len(), 2);
}
