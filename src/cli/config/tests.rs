//! Layers, origins and every mistake.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::load::load;
use super::profiles::{COMMON_KEYS, KINDS, RIG_KEYS};
use super::*;
use crate::domain::config::{AgentKind, Durability};
use crate::form::{AGENT_KEYS, LIMIT_KEYS, Node};

/// Loads a file's text at `/r`, with variables and flags.
fn with(file: &str, env: &[(&str, &str)], flags: &Flags) -> Result<Loaded, ConfigError> {
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    load(
        flags,
        &World {
            env: &|name| env.get(name).map(|value| (*value).to_owned()),
            cwd: Path::new("/r/sub"),
            read: &|path| Ok((path == Path::new("/r/swarm.toml")).then(|| file.as_bytes().to_vec())),
            exists: &|path| path == Path::new("/r/swarm.toml"),
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
    assert_eq!(loaded.config, Config::built_in("/r".into()));
    for setting in &loaded.provenance[1..] {
        assert_eq!(setting.origin, Origin::Default, "{}", setting.key);
    }
    assert_eq!(origin(&loaded, "root"), "the nearest directory upward with swarm.toml");
}

#[test]
fn each_row_reads_its_own_default_and_is_named_by_rule() {
    let place = paths::Place { base: Path::new("/r"), home: None };
    for row in &ROWS {
        assert_eq!(row.env, format!("SWARMDIR_{}", row.key.to_uppercase().replace('.', "_")));
        let built_in = Config::built_in("/r".into());
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
    assert!(matches!(&script.kind, AgentKind::Command { argv } if argv.len() == 3));
    assert!(!script.worktree && script.env["A"] == "1");
    let claude = AgentKind::Claude {
        program: Some("claude-beta".into()),
        config_dir: Some("/home/u/c".into()),
    };
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

/// A file, and what its only problem says.
const BAD: &[(&str, &str)] = &[
    ("agnets = 3", "line 1, column 1: agnets: is not a known key (did you mean `agents`"),
    ("workers = 3", "write `agents`"),
    ("x = ", "line 1, column 5: not valid TOML"),
    ("agents = 0", "agents: must be a whole number from 1 to 256, not `0`"),
    ("agents = 257", "from 1 to 256"),
    ("agents = \"3\"", "without quotes: 3"),
    ("agents = 3\nagents = 4", "line 2, column 1: not valid TOML: duplicate key"),
    ("agent = \"claud\"", "line 1: agent: there is no agent `claud` (did you mean `claude`?)"),
    ("agent = 3", "agent: must be text"),
    (
        "agent = \"claude\"\ndefault_agent = \"demo\"",
        "line 2, column 1: default_agent: says the same",
    ),
    ("rig = \"x\"", "there is no rig `x` (add a table [rig.NAME])"),
    ("durability = \"strikt\"", "did you mean `strict`?"),
    ("drain_wait = \"soon\"", "does not begin with a number"),
    ("trust_repository = \"yes\"", "must be `true` or `false`"),
    ("setup = 5", "must be a list of program"),
    ("setup = [\"\"]", "blank program"),
    ("env_deny = [\"A B\"]", "neither a variable's NAME nor a PREFIX*"),
    ("env_deny = [\"*\"]", "neither a variable's NAME nor a PREFIX*"),
    ("trees = \"\"", "trees: is blank"),
    ("limits = 5", "limits: must be a table of keys"),
    (
        "[limits]\nnofile = 5",
        "line 2, column 1: limits.nofile: is not a known key (write `open_files`)",
    ),
    ("[limits]\nmemory = \"1GiB\"", "limits.memory: 1GiB is below 4GiB"),
    ("[limits.max]\nmemory = \"1GiB\"", "limits.max.memory: 1GiB is below 4GiB"),
    ("[limits.max]\ntim = 1", "limits.max.tim: is not a known key"),
    (
        "[limits]\ncpu_time = \"9h\"\n[limits.max]\ncpu_time = \"8h\"",
        "line 2: limits.cpu_time: 9h is above the cap of 8h",
    ),
    ("[timeouts]\nwall = 0", "line 2, column 8: timeouts.wall: must be longer than 0"),
    ("[timeouts]\nwal = 0", "did you mean `wall`?"),
    ("[agent.Big]\nkind = \"demo\"", "line 1, column 8: agent.Big: is not a name"),
    ("[agent.x]", "line 1, column 8: agent.x.kind: agent x needs its kind"),
    ("[agent.x]\nkind = \"comand\"", "there is no kind `comand` (did you mean `command`?)"),
    ("[agent.x]\nkind = \"command\"", "agent.x.argv: agent x needs its argv"),
    ("[agent.x]\nkind = \"command\"\nargv = []", "needs at least a program"),
    ("[agent.x]\nkind = \"command\"\nargv = \"ls\"", "must be a list"),
    (
        "[agent.x]\nkind = \"command\"\nargv = [\"ls\"]\nmodel = \"m\"",
        "line 4, column 1: agent.x.model: belongs to agents of kind claude or demo, this one is command",
    ),
    ("[agent.demo]\nargv = [\"ls\"]", "belongs to agents of kind command"),
    ("[agent.demo]\nprogram = \"x\"", "belongs to agents of kind claude"),
    (
        "[agent.claude]\nmodle = \"x\"",
        "agent.claude.modle: is not a known key (did you mean `model`",
    ),
    ("[agent.claude]\nmax_turns = 0", "agent.claude.max_turns: must be a whole number"),
    ("[agent.claude]\npermission_mode = \"auto\"", "nobody is there"),
    ("[agent.claude.env]\nSWARMDIR_X = \"y\"", "agent.claude.env.SWARMDIR_X: is set by swarmdir"),
    (
        "agent = \"x\"\n[agent.x]\nkind = \"zzz\"",
        "line 3, column 8: agent.x.kind: there is no kind",
    ),
    ("[rig.x]", "rig.x.path: rig x needs its path"),
    (
        "rig = \"x\"\n[rig.x]\npth = \"p\"\npath = \".\"",
        "line 3, column 1: rig.x.pth: is not a known key (did you mean `path`?)",
    ),
    ("[[agent]]\nkind = \"demo\"", "agent"),
];

#[test]
fn each_mistake_has_its_place_and_its_way_out() {
    for (text, said) in BAD {
        let error = file(text).expect_err(text);
        assert_eq!(error.problems.len(), 1, "{text:?}: {error}");
        let problem = error.problems[0].to_string();
        assert!(problem.contains(said), "{text:?}\n  says {problem}\n  not  {said}");
        assert!(error.to_string().contains("\"/r/swarm.toml\", line "), "{error}");
    }
}

#[test]
fn all_layers_report_at_once_and_name_themselves() {
    let env =
        [("SWARMDIR_AGENTS", "many"), ("SWARMDIR_AGENT", "nobody"), ("SWARMDIR_TREES", "~/t")];
    let flags = Flags { durability: Some("none".to_owned()), ..Flags::default() };
    let error = with("max_attempts = 0\n[timeouts]\nwall = 0\n", &env, &flags).expect_err("bad");
    let said: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 6, "{said:#?}");
    for part in [
        "SWARMDIR_AGENTS: must be a whole number from 1 to 256, not `many`",
        "SWARMDIR_AGENT: there is no agent `nobody`",
        "SWARMDIR_TREES: begins with `~`, but HOME is not set",
        "--durability: must be",
        "line 1, column 16: max_attempts",
        "line 3, column 8: timeouts.wall",
    ] {
        assert!(said.iter().any(|said| said.contains(part)), "{part}: {said:#?}");
    }
    let unread = World {
        env: &|_| None,
        cwd: Path::new("/r"),
        read: &|_| Err("permission denied".to_owned()),
        exists: &|_| false,
    };
    let error = load(&Flags::default(), &unread).expect_err("unreadable");
    assert!(error.to_string().contains("permission denied"));
    let broken = World { read: &|_| Ok(Some(b"a\n\xff".to_vec())), ..unread };
    let error = load(&Flags::default(), &broken).expect_err("no text");
    assert!(error.to_string().contains("line 2, column 1: the file is not valid UTF-8"), "{error}");
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
    let built_in = Config::built_in("/r".into());
    assert_eq!(file(EXAMPLE).expect("good").config, built_in);
    let all = unmarked(EXAMPLE);
    let loaded = file(&all).expect("good");
    toml::from_str::<toml::Table>(&all).expect("TOML's own tools read it too");
    for row in &ROWS {
        let origin = origin(&loaded, row.key);
        assert!(origin.starts_with("swarm.toml:"), "{} is missing: {origin}", row.key);
    }
    for key in
        KINDS.iter().flat_map(|kind| kind.1).chain(&COMMON_KEYS).chain(&AGENT_KEYS).chain(&RIG_KEYS)
    {
        assert!(all.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let tricky = "[agent.x]\nkind = \"command\"\nargv = [\"a\\u007f\\\"\\\\\\n\\u0001\", \"é\"]\nenv = { A = \"\\t\" }\n";
    for text in ["", &unmarked(EXAMPLE), tricky] {
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

/// The rows of the reference's table of scalar keys.
fn reference() -> String {
    let row = |row: &Row| {
        let default = if row.default.is_empty() {
            "not set".to_owned()
        } else {
            format!("`{}`", row.default)
        };
        format!("| `{}` | `{}` | {} | {default} | {} |\n", row.key, row.env, row.takes, row.meaning)
    };
    ROWS.iter().map(row).collect()
}

#[test]
fn the_documents_name_every_key() {
    let configuration = include_str!("../../../docs/configuration.md");
    let table = reference();
    assert!(configuration.contains(&table), "docs/configuration.md needs this table:\n{table}");
    let agents = KINDS.iter().flat_map(|kind| kind.1).chain(&COMMON_KEYS).chain(&AGENT_KEYS);
    for key in agents.chain(&RIG_KEYS) {
        assert!(configuration.contains(&format!("| `{key}` |")), "{key}");
    }
    let tasks = include_str!("../../../docs/task-files.md");
    for row in crate::taskfile::TASK_KEYS {
        assert!(tasks.contains(&format!("### `{}`", row.key)), "{}", row.key);
        assert!(tasks.contains(row.example), "{}", row.example);
    }
    for (key, ..) in LIMIT_KEYS {
        assert!(tasks.contains(&format!("| `{key}` |")), "{key}");
    }
}

proptest! {
    #[test]
    fn no_file_panics(at in 0usize..4000, ch in any::<char>(), cut in 0usize..4000, env in "\\PC{0,20}") {
        let mut chars: Vec<char> = unmarked(EXAMPLE).chars().collect();
        let (at, cut) = (at % chars.len(), cut % (chars.len() - 1));
        chars[at] = ch;
        chars.remove(cut);
        let text: String = chars.into_iter().collect();
        let all: Vec<(&str, &str)> = ROWS.iter().map(|row| (row.env, env.as_str())).collect();
        for env in [&[][..], &all] {
            if let Err(error) = with(&text, env, &Flags::default()) {
                prop_assert!(!error.problems.is_empty());
                let _ = error.to_string();
            }
        }
    }
}
