//! Tasks that go well, and what claude is given for them.

use std::time::Duration;

use serde_json::json;
use swarmdir::agent::transcript::{Block, Line, render};
use swarmdir::domain::outcome::disposition::Outcome;

use super::{Stage, assert_nothing_left, parsed};
use crate::support::alone::{alone, this_test};
use crate::support::jobs::run;
use crate::support::stub::{self, Step};

#[test]
fn a_task_that_writes_a_file_and_commits() {
    alone(this_test!(), || {
        let steps = [
            Step::blocks([
                stub::Block::text("I will write it."),
                stub::Block::write("{cwd}/hello.txt", "hello\n"),
                stub::Block::bash("git add -A && git commit -qm 'add hello' && git config gc.auto"),
            ]),
            Step::text("All done."),
        ];
        let Some(stage) = Stage::set(steps) else { return };
        let job = stage.job();
        let report = run(&job);
        assert_eq!(report.ending, Outcome::Success, "{report:?}");
        assert_eq!(report.said.as_deref(), Some("All done."));
        assert_eq!(report.session.as_ref(), Some(&job.request.session));
        assert_eq!(stage.place.text("hello.txt"), "hello\n");
        assert_eq!(stage.place.log(), ["add hello", "start"]);
        assert!((report.usage.cost_usd - 0.018).abs() < 1e-9 && !report.usage.estimated);
        assert_eq!((report.usage.input_tokens, report.usage.output_tokens), (4000, 100));
        assert_eq!(report.swept, 0);
        assert_eq!(stage.stub.problems(), Vec::<String>::new());
        let recorded = std::fs::read(&job.place.files.events).unwrap();
        let lines = recorded.split(|byte| *byte == b'\n').filter_map(|line| render(&parsed(line)));
        let shown = lines.collect::<Vec<_>>().join("\n");
        for part in
            ["I will write it.", "→ Write ", "hello.txt", "→ Bash git add", "■ ended: completed"]
        {
            assert!(shown.contains(part), "{part:?} is not in:\n{shown}");
        }
        assert_nothing_left();
    });
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_the_run_goes_on() {
    alone(this_test!(), || {
        let steps = [Step::bash("echo x; sleep 60"), Step::text("done")];
        let Some(stage) = Stage::set(steps) else { return };
        let mut job = stage.job();
        job.place.env.push(("BASH_DEFAULT_TIMEOUT_MS".into(), "1000".into()));
        assert_eq!(run(&job).ending, Outcome::Success);
        let answered = stage.stub.requests()[1].body.to_string();
        assert!(answered.contains("Command timed out after 1s"), "{answered}");
    });
}

#[test]
fn the_model_may_give_a_build_an_hour_and_is_told_so() {
    alone(this_test!(), || {
        let hour = json!({"command": "echo built", "description": "b", "timeout": 3_600_000});
        let steps = [Step::blocks([stub::Block::tool("Bash", hour)]), Step::text("done")];
        let Some(stage) = Stage::set(steps) else { return };
        let job = stage.job();
        assert_eq!(run(&job).ending, Outcome::Success);
        let requests = stage.stub.requests();
        let told = requests[0].body["tools"].to_string();
        assert!(told.contains("3600000") && told.contains("600000"), "{told}");
        let events = std::fs::read(&job.place.files.events).unwrap();
        let answers = |line: &[u8]| match parsed(line) {
            Line::User(message) => message.blocks,
            _ => Vec::new(),
        };
        let answered: Vec<Block> = events.split(|byte| *byte == b'\n').flat_map(answers).collect();
        assert_eq!(answered, [Block::Answer { text: "built".into(), failed: false }]);
    });
}

#[test]
fn the_instructions_and_the_tools_reach_the_model() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("ok")]) else { return };
        let mut job = stage.job();
        job.request.instructions = "House rule 4711: be brief.".into();
        job.request.prompt = format!("{}\nThe end.", "word ".repeat(200_000));
        job.request.model = Some("claude-haiku-5-5".into());
        job.request.effort = Some("low".into());
        job.request.disallowed_tools = vec!["WebFetch".into()];
        let report = run(&job);
        assert_eq!(report.ending, Outcome::Success, "{report:?}");
        let request = &stage.stub.requests()[0];
        let body = request.body.to_string();
        assert!(body.contains("House rule 4711") && body.contains("The end."));
        assert_eq!(request.body["model"], "claude-haiku-5-5");
        for banned in ["WebFetch", "SendMessage", "EnterWorktree", "CronCreate"] {
            assert!(!body.contains(&format!("\"name\":\"{banned}\"")), "{banned}");
        }
    });
}

#[test]
fn hooks_and_servers_of_the_repository_run_only_when_trusted() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("ok").forever()]) else { return };
        let mark = stage.place.beside("hook-ran");
        let hook = json!({"hooks": {"SessionStart": [{"hooks": [
            {"type": "command", "command": format!("touch '{}'", mark.display())}]}]}});
        std::fs::create_dir(stage.place.tree().join(".claude")).unwrap();
        std::fs::write(stage.place.tree().join(".claude/settings.json"), hook.to_string()).unwrap();
        assert_eq!(stage.run().ending, Outcome::Success);
        assert!(!mark.exists());
        let mut job = stage.job();
        job.request.trust_repository = true;
        assert_eq!(run(&job).ending, Outcome::Success);
        assert!(mark.exists());
    });
}

#[test]
fn denied_tools_are_named_and_the_run_goes_on() {
    alone(this_test!(), || {
        let steps = [
            Step::blocks([
                stub::Block::bash("touch denied.txt"),
                stub::Block::write("{cwd}/x.txt", "x"),
            ]),
            Step::text("I could not."),
        ];
        let Some(stage) = Stage::set(steps) else { return };
        let mut job = stage.job();
        job.request.allowed_tools = vec!["Read".into()];
        let report = run(&job);
        assert_eq!(report.ending, Outcome::Success, "{report:?}");
        assert_eq!(report.denied_tools, ["Bash", "Write"]);
        assert_eq!(stage.place.text("x.txt"), "");
    });
}

#[test]
fn a_slow_service_is_waited_for() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("late").delayed(Duration::from_millis(400))])
        else {
            return;
        };
        assert_eq!(stage.run().said.as_deref(), Some("late"));
    });
}
