//! Layers and origins; what is printed reads back.

mod documents;
mod mistakes;

use std::collections::BTreeMap;

use super::load::load;
use super::profiles::{COMMON_KEYS, RIG_KEYS};
use super::*;
use crate::agent::program;
use crate::domain::account::breaker::HealthCheck;
use crate::domain::settings::choice::Durability;
use crate::domain::settings::programs::{Executable, ProgramValue};
use crate::form::{AGENT_KEYS, LIMIT_KEYS, Node};

/// What lies in `/r/failures.toml`.
const RULES: &str = "schema = 1\n[[rule]]\nid = \"my.x\"\nfault = \"auth\"\nexit.code = 9\n";

/// Loads a file's text at `/r`, with variables and flags.
fn with(file: &str, env: &[(&str, &str)], flags: &Flags) -> Result<Loaded, ConfigError> {
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    load(
        flags,
        &World {
            env: &|name| env.get(name).map(|value| (*value).to_owned()),
            cwd: Path::new("/r/sub"),
            read: &|path| {
                let files = [("/r/swarm.toml", file), ("/r/failures.toml", RULES)];
                let found = files.iter().find(|(name, _)| path == Path::new(name));
                Ok(found.map(|(_, text)| text.as_bytes().to_vec()))
            },
            exists: &|path| path == Path::new("/r/swarm.toml"),
            admits: &|_, _| true,
            ends_at: &|_| false,
        },
    )
}

fn file(text: &str) -> Result<Loaded, ConfigError> {
    with(text, &[("HOME", "/home/u")], &Flags::default())
}

fn origin(loaded: &Loaded, key: &str) -> String {
    let setting = loaded.provenance.iter().find(|setting| setting.key == key);
    setting.unwrap_or_else(|| panic!("no {key}")).origin.to_string()
}

#[test]
fn nothing_said_is_what_is_built_in() {
    let loaded = file("").expect("good");
    assert_eq!(loaded.config, Config::built_in("/r".into(), program::all()));
    for setting in &loaded.provenance[1..] {
        assert_eq!(setting.origin, Origin::Default, "{}", setting.key);
    }
    assert_eq!(origin(&loaded, "root"), "the nearest directory upward with swarm.toml");
}

#[test]
fn agents_of_claude_share_an_account_unless_they_say_otherwise() {
    let config = file(
        "[agent.fast]\nkind = \"claude\"\n[agent.apart]\nkind = \"claude\"\nconfig_dir = \"d\"\n\
         [agent.team]\nkind = \"claude\"\naccount = \"work\"\n\
         [agent.make]\nkind = \"command\"\nargv = [\"make\"]\naccount = \"work\"",
    );
    let config = config.expect("good").config;
    let accounts = ["claude", "fast", "apart", "team", "make", "demo", "unknown"];
    assert_eq!(
        accounts.map(|agent| config.account(agent)),
        ["claude", "claude", "apart", "work", "work", "demo", "unknown"]
    );
    let manners = ["claude", "work", "demo", "unknown"].map(|account| config.health_check(account));
    assert_eq!(
        manners,
        [HealthCheck::ProbeFirst, HealthCheck::ProbeFirst, HealthCheck::Passive, HealthCheck::None]
    );
}

#[test]
fn each_row_reads_its_own_default_and_is_named_by_rule() {
    let place = paths::Place { base: Path::new("/r"), home: None };
    for row in &ROWS {
        assert_eq!(row.env, format!("SWARMDIR_{}", row.key.to_uppercase().replace('.', "_")));
        let built_in = Config::built_in("/r".into(), program::all());
        let shown = (row.show)(&built_in);
        assert_eq!(shown.is_none(), row.default.is_empty(), "{}", row.key);
        if row.default.is_empty() {
            continue;
        }
        let mut config = built_in.clone();
        let default = if row.default == "[]" {
            Node { line: 0, column: 0, value: crate::form::Value::List(vec![]) }
        } else {
            Node::bare(row.default)
        };
        (row.set)(&mut config, &default, &place).expect(row.key);
        assert_eq!(config, built_in, "{}", row.key);
    }
}

#[test]
fn the_root_is_found_by_its_rule() {
    let root = |flag: Option<&str>, env: Option<&'static str>, mark: &'static str, cwd: &str| {
        let flags = Flags { root: flag.map(PathBuf::from), ..Flags::default() };
        let world = World {
            env: &|name| env.filter(|_| name == "SWARMDIR_ROOT").map(str::to_owned),
            cwd: Path::new(cwd),
            read: &|_| Ok(None),
            exists: &|path| path == Path::new(mark),
            admits: &|_, _| true,
            ends_at: &|_| false,
        };
        load(&flags, &world).expect("good").config.root.display().to_string()
    };
    assert_eq!(root(Some("./x"), Some("/env"), "/swarm.toml", "/a/b"), "/a/b/x");
    assert_eq!(root(Some("."), None, "/swarm.toml", "/a/b"), "/a/b");
    assert_eq!(root(None, Some("env"), "/swarm.toml", "/a/b"), "/a/b/env");
    assert_eq!(root(None, None, "/a/swarm.toml", "/a/b/c"), "/a");
    assert_eq!(root(None, None, "/a/queue/FORMAT", "/a/b/c"), "/a");
    assert_eq!(root(None, None, "/a/b/c/queue/pending", "/a/b/c"), "/a/b/c");
    assert_eq!(root(None, None, "/a/queue/other", "/a/b/c"), "/a/b/c");
}

#[test]
fn flags_win_over_the_environment_over_the_file() {
    let text = "agents = 4\ndurability = \"relaxed\"\ntrees = \"t\"\n[timeouts]\nwall = \"1h\"\n";
    let env = [("SWARMDIR_AGENTS", "5"), ("SWARMDIR_TIMEOUTS_WALL", "90"), ("SWARMDIR_TREES", "e")];
    let flags = Flags { agents: Some(6), trees: Some("f".into()), ..Flags::default() };
    let loaded = with(text, &env, &flags).expect("good");
    assert_eq!((loaded.config.agents, origin(&loaded, "agents").as_str()), (6, "--agents"));
    assert_eq!(loaded.config.durability, Durability::Relaxed);
    assert_eq!(origin(&loaded, "durability"), "swarm.toml:2");
    assert_eq!(loaded.config.timeouts.wall_ms, 90_000);
    assert_eq!(origin(&loaded, "timeouts.wall"), "SWARMDIR_TIMEOUTS_WALL");
    // a flag is typed where one stands, a file lies where it lies
    assert_eq!(loaded.config.trees, Some("/r/sub/f".into()));
    let loaded = with(text, &env, &Flags::default()).expect("good");
    assert_eq!((loaded.config.agents, loaded.config.trees), (5, Some("/r/e".into())));
    let loaded = file(text).expect("good");
    assert_eq!((loaded.config.agents, loaded.config.trees), (4, Some("/r/t".into())));
}

#[test]
fn agents_and_rigs_are_read() {
    let text = r#"
agent = "script"
rig = "site"
setup = "npm ci"
env_deny = ["AWS_*"]
instructions = "~/i.md"
[agent.script]
kind = "command"
argv = ["sh", "-c", "echo {prompt}"]
worktree = false
env = { A = 1, B = true }
[agent.claude]
model = "opus"
program = "claude-beta"
config_dir = "~/c"
permission_mode = "plan"
[agent.fake]
kind = "demo"
max_turns = 3
[rig.site]
path = "../site"
setup = []
[limits]
cpu_time = "none"
[limits.max]
open_files = 1024
"#;
    let loaded = file(text).expect("good");
    let config = &loaded.config;
    assert_eq!((config.agent.as_str(), config.rig.as_deref()), ("script", Some("site")));
    assert_eq!(config.setup, ["sh", "-c", "npm ci"]);
    assert_eq!(config.instructions, Some("/home/u/i.md".into()));
    let script = &config.profiles["script"];
    assert!(matches!(script.kind.executable(), Executable::Argv(argv) if argv.len() == 3));
    assert!(!script.worktree && script.env["A"] == "1");
    let mut claude = program::kind("claude").expect("it is there");
    for (key, path) in [("program", "claude-beta"), ("config_dir", "/home/u/c")] {
        claude.settings.insert(key, ProgramValue::Path(path.into()));
    }
    assert_eq!(config.profiles["claude"].kind, claude);
    assert_eq!(config.profiles["claude"].defaults.model.as_deref(), Some("opus"));
    assert_eq!(config.profiles["fake"].defaults.max_turns, Some(3));
    assert!(config.profiles.contains_key("demo"));
    assert_eq!(config.rigs["site"].path, PathBuf::from("/r/../site"));
    assert_eq!(config.rigs["site"].setup, Some(vec![]));
    assert_eq!((config.limits.cpu_secs, config.limit_caps.open_files), (None, Some(1024)));
    // a default above a cap follows the cap, and says so
    assert_eq!(config.limits.open_files, Some(1024));
    assert_eq!(origin(&loaded, "limits.open_files"), "swarm.toml:26");
    assert_eq!(origin(&loaded, "agent.claude.model"), "swarm.toml:13");
    assert_eq!(origin(&loaded, "agent.claude.kind"), "default");
}

/// Keys that only one agent program has.
fn program_keys() -> impl Iterator<Item = &'static str> {
    program::all().iter().flat_map(|program| program.keys).map(|key| key.key)
}

/// Without the marks of settings that are commented out.
fn unmarked(example: &str) -> String {
    let line = |line: &str| {
        line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned()
    };
    example.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_valid_and_holds_every_key() {
    let built_in = Config::built_in("/r".into(), program::all());
    assert_eq!(file(&example(None)).expect("good").config, built_in);
    let all = unmarked(&example(None));
    let loaded = file(&all).expect("good");
    toml::from_str::<toml::Table>(&all).expect("TOML's own tools read it too");
    for row in &ROWS {
        let origin = origin(&loaded, row.key);
        assert!(origin.starts_with("swarm.toml:"), "{} is missing: {origin}", row.key);
    }
    for key in program_keys().chain(COMMON_KEYS).chain(AGENT_KEYS).chain(RIG_KEYS) {
        assert!(all.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let tricky = "[agent.x]\nkind = \"command\"\nargv = [\"a\\u007f\\\"\\\\\\n\\u0001\", \"é\"]\nenv = { A = \"\\t\" }\n";
    for text in ["", &unmarked(&example(None)), tricky] {
        let loaded = file(text).expect("good");
        let printed = render_config(&loaded);
        toml::from_str::<toml::Table>(&printed)
            .unwrap_or_else(|error| panic!("{error}\n{printed}"));
        let again = file(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(again.config, loaded.config, "{printed}");
        let json = to_json(&loaded);
        assert_eq!(json["settings"].as_array().map(Vec::len), Some(loaded.provenance.len()));
    }
    let printed = render_config(&file("agents = 7").expect("good"));
    assert!(printed.contains("\nagents = 7  # from swarm.toml:1\n"), "{printed}");
    assert!(printed.contains("\n# default_rig is not set\n"), "{printed}");
    assert!(printed.contains("\n[timeouts]\nstartup = \"1m\"  # from default\n"), "{printed}");
}
