//! Failures of the service and of the start: charged to whoever is to blame.

use swarmdir::agent::Report;
use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;
use swarmdir::domain::task::spec::PermissionMode;

use super::{Stage, fault};
use crate::support::alone::{alone, this_test};
use crate::support::jobs::run;
use crate::support::stub::{Close, Step};

fn play(steps: impl IntoIterator<Item = Step>, check: impl FnOnce(&Stage, &Report)) {
    if let Some(stage) = Stage::set(steps) {
        check(&stage, &stage.run());
    }
}

#[test]
fn a_key_that_is_refused() {
    alone(this_test!(), || {
        play([Step::unauthorized().forever()], |_, report| {
            assert_eq!(fault(report), Fault::Auth, "{report:?}");
            assert_eq!(report.exit.as_deref(), Some("exit 1"));
        })
    });
}

#[test]
fn no_login_at_all() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("never")]) else { return };
        let mut job = stage.job();
        job.place.env.retain(|(name, _)| name != "ANTHROPIC_API_KEY");
        job.place.env_deny.push("ANTHROPIC_*".into());
        job.place.env_deny.push("CLAUDE_*".into());
        let report = run(&job);
        assert_eq!(fault(&report), Fault::Auth, "{report:?}");
    });
}

#[test]
fn a_short_rate_limit_is_ridden_out() {
    alone(this_test!(), || {
        play([Step::rate_limited(1), Step::text("done")], |stage, report| {
            assert_eq!(report.ending, Outcome::Success, "{report:?}");
            assert_eq!(stage.stub.served("it").calls, 2);
        })
    });
}

#[test]
fn a_long_rate_limit_and_an_overload_are_not_the_tasks_fault() {
    alone(this_test!(), || {
        for step in [Step::rate_limited(61), Step::overloaded(), Step::server_error()] {
            play([step.forever()], |_, report| {
                assert_eq!(fault(report), Fault::Overload, "{report:?}")
            });
        }
    });
}

#[test]
fn a_stream_that_drops() {
    alone(this_test!(), || {
        let drop = Step::text("one two three four five").cut_after(2, Close::Fin);
        play([drop.clone(), Step::text("done")], |_, report| {
            assert_eq!(report.ending, Outcome::Success, "{report:?}");
        });
        play([drop.forever()], |_, report| {
            assert_eq!(fault(report), Fault::Overload, "{report:?}")
        });
    });
}

#[test]
fn a_service_that_is_not_there() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([]) else { return };
        let mut job = stage.job();
        job.place.env.push(("ANTHROPIC_BASE_URL".into(), "http://127.0.0.1:1".into()));
        assert_eq!(fault(&run(&job)), Fault::Overload);
    });
}

#[test]
fn a_start_that_claude_refuses_is_refused_before_it() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("ok").forever()]) else { return };
        let mut job = stage.job();
        job.request.permission_mode = PermissionMode::BypassPermissions;
        let report = run(&job);
        if swarmdir::sys::env::is_root() {
            assert_eq!((fault(&report), report.exit), (Fault::Machine, None));
        } else {
            assert_eq!(report.ending, Outcome::Success);
        }
        let mut job = stage.job();
        job.request.allowed_tools.push("--dangerously-skip-permissions".into());
        assert_eq!(fault(&run(&job)), Fault::Error);
        let mut job = stage.job();
        job.request.prompt = " \n".into();
        assert_eq!(fault(&run(&job)), Fault::Error);
    });
}

#[test]
fn a_session_that_is_taken_is_not_the_tasks_fault() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("ok").forever()]) else { return };
        let job = stage.job();
        assert_eq!(run(&job).ending, Outcome::Success);
        let again = run(&job);
        assert_eq!(fault(&again), Fault::Machine, "{again:?}");
    });
}
