//! Values that look like options or commands, as the real program takes them: it obeys none of them.

use swarmdir::agent::transcript::Line;
use swarmdir::domain::outcome::disposition::Outcome;

use super::{Stage, assert_nothing_left, parsed};
use crate::support::alone::{alone, this_test};
use crate::support::jobs::run;
use crate::support::stub::Step;

#[test]
fn a_model_that_looks_like_an_option_is_only_a_models_name() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("ok").forever()]) else { return };
        let mut job = stage.job();
        job.request.model = Some("--dangerously-skip-permissions".into());
        job.request.allowed_tools = vec!["Bash(x) --permission-mode=bypassPermissions".into()];
        let report = run(&job);
        let events = std::fs::read(&job.place.files.events).unwrap();
        let lines = events.split(|byte| *byte == b'\n').map(parsed);
        let models: Vec<Option<String>> = lines
            .filter_map(|line| match line {
                Line::Init { model, .. } => Some(model),
                _ => None,
            })
            .collect();
        assert_eq!(models, [job.request.model.clone()], "{report:?}");
        let text = String::from_utf8_lossy(&events).into_owned();
        assert!(text.contains(r#""permissionMode":"dontAsk""#), "{text}");
        assert_nothing_left();
    });
}

#[test]
fn a_prompt_that_looks_like_an_option_or_a_command_reaches_the_model() {
    alone(this_test!(), || {
        let Some(stage) = Stage::set([Step::text("ok").forever()]) else { return };
        let prompts = [
            "--version",
            "-p --dangerously-skip-permissions x",
            "/exit",
            "/clear the cache of the build",
            "/etc/hosts is wrong: mend it",
            "!touch pwned",
            "#remember this",
        ];
        for (number, prompt) in prompts.into_iter().enumerate() {
            let mut job = stage.job();
            job.request.prompt = prompt.into();
            let report = run(&job);
            assert_eq!(report.ending, Outcome::Success, "{prompt}: {report:?}");
            assert_eq!(report.said.as_deref(), Some("ok"), "{prompt}: {report:?}");
            let requests = stage.stub.requests();
            assert_eq!(requests.len(), number + 1, "{prompt}: the model was not asked");
            let asked = requests[number].body["messages"].to_string();
            assert!(asked.contains(prompt), "{prompt}: {asked}");
        }
        assert!(!stage.place.tree().join("pwned").exists());
        assert_nothing_left();
    });
}
