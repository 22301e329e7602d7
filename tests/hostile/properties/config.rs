//! Any bytes as `swarm.toml`: no panic, problems stand on lines that exist, and all that is shown is harmless.

use std::path::Path;

use swarmdir::cli::config::{Flags, World, load, render_config, to_json};

use super::safe::assert_harmless;

/// The bytes as the settings of a root.
pub(crate) fn check(bytes: &[u8]) {
    let env = |name: &str| (name == "HOME").then(|| "/home/u".to_owned());
    let read = |path: &Path| Ok((path == Path::new("/root/swarm.toml")).then(|| bytes.to_vec()));
    let exists = |path: &Path| path.starts_with("/root");
    let world = World {
        env: &env,
        cwd: Path::new("/root"),
        read: &read,
        exists: &exists,
        admits: &|_, _| true,
        ends_at: &|_| false,
    };
    let flags = Flags { root: Some("/root".into()), ..Flags::default() };
    let lines = bytes.split(|byte| *byte == b'\n').count();
    match load(&flags, &world) {
        Ok(loaded) => {
            assert_harmless("the settings", &render_config(&loaded));
            assert_eq!(to_json(&loaded)["schema"], 1);
            let config = &loaded.config;
            assert!(config.profiles.contains_key(&config.agent), "{:?}", config.agent);
            assert!((1..=256).contains(&config.agents) && config.max_attempts >= 1);
            assert!(config.rig.as_ref().is_none_or(|rig| config.rigs.contains_key(rig)));
            assert_eq!(config.limits.capped_by(config.limit_caps), config.limits);
            // A breaker, a log and a tree may be called after an agent.
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
            for name in config.profiles.keys().chain(config.rigs.keys()) {
                assert!(!name.is_empty() && name.len() <= 64 && !name.starts_with('-'), "{name:?}");
                assert!(name.bytes().all(plain), "{name:?}");
            }
        }
        Err(error) => {
            let rules = error.rules.iter().flat_map(|(_, problems)| problems);
            assert!(
                error.problems.iter().chain(rules.clone()).count() > 0,
                "refused for no reason"
            );
            // A file may name itself as its own rules.
            for problem in error.problems.iter().chain(rules) {
                let line = problem.line.unwrap_or(1) as usize;
                assert!((1..=lines).contains(&line), "{problem} is not within {lines} lines");
                assert!(!problem.message.is_empty());
            }
            assert_harmless("the complaint", &error.to_string());
        }
    }
}
