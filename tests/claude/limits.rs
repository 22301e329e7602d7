//! Turns, budgets and the account's limits; and that words alone are none.

use swarmdir::domain::failure::fault::Fault;
use swarmdir::domain::outcome::disposition::Outcome;

use super::{Stage, fault};
use crate::support::alone::{alone, this_test};
use crate::support::jobs::run;
use crate::support::stub::{Block, Step};

#[test]
fn turns_run_out() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::bash("echo again").forever()]) else { return };
        let mut job = stage.job();
        job.request.max_turns = 2;
        let report = run(&job);
        assert_eq!(fault(&report), Fault::MaxTurns, "{report:?}");
        assert!(report.usage.cost_usd > 0.0 && !report.usage.estimated);
    });
}

#[test]
fn the_budget_runs_out() {
    alone(this_test!(), || {
        let step = Step::bash("echo again").tokens(100_000, 5_000).forever();
        let Some(stage) = Stage::set([step]) else { return };
        let mut job = stage.job();
        job.request.max_budget_usd = 0.02;
        let report = run(&job);
        assert_eq!(fault(&report), Fault::Budget, "{report:?}");
        assert!(report.usage.cost_usd >= 0.02);
    });
}

#[test]
fn a_five_hour_limit_names_its_reset() {
    alone(this_test!(), || {
        let reset = swarmdir::sys::clock::now().secs_ceil() + 3600;
        let Some(stage) =
            Stage::set([Step::bash("echo work"), Step::usage_limited(reset).forever()])
        else {
            return;
        };
        let mut job = stage.job();
        job.place.env.retain(|(name, _)| name != "ANTHROPIC_API_KEY");
        job.place.env_deny.push("ANTHROPIC_API_KEY".into());
        job.place.env.push(("CLAUDE_CODE_OAUTH_TOKEN".into(), "dummy".into()));
        let report = run(&job);
        assert_eq!(fault(&report), Fault::Limit { resets_at_secs: Some(reset) }, "{report:?}");
        assert_eq!(report.rule_match.as_ref().unwrap().rule, "claude.usage-limit", "{report:?}");
        let limit = report.rate_limit.unwrap();
        assert_eq!((limit.status.as_str(), limit.kind.as_deref()), ("rejected", Some("five_hour")));
    });
}

#[test]
fn a_task_about_limits_does_not_hit_one() {
    alone(this_test!(), || {
        let words = "You've hit your session limit · resets 3pm. Credit balance is too low. \
                     Not logged in · Please run /login. ENOSPC: no space left on device. API Error: 529";
        let steps = [
            Step::blocks([
                Block::text(words),
                Block::bash(&format!("echo \"{words}\"; echo \"{words}\" >&2")),
            ]),
            Step::text(words),
        ];
        let Some(stage) = Stage::set(steps) else { return };
        let mut job = stage.job();
        job.request.prompt = format!("Explain this: {words}");
        let report = run(&job);
        assert_eq!(report.ending, Outcome::Success, "{report:?}");
        let Some(stage) = Stage::set([Step::bash(&format!("echo \"{words}\"; exit 1")).forever()])
        else {
            return;
        };
        let mut job = stage.job();
        job.request.max_turns = 1;
        let report = run(&job);
        assert_eq!(fault(&report), Fault::MaxTurns);
        assert_eq!(report.rule_match.unwrap().rule, "claude.max-turns");
    });
}
