//! Every mistake, with its place and its way out.

use super::*;

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
    ("[failures]\nrules = \"x.toml\"", "line 2: failures.rules: there is no file \"/r/x.toml\""),
    ("[failures]\nrule = \"x.toml\"", "did you mean `rules`?"),
    ("limit_stop_at = 0.9", "limit_stop_at: must be a whole number"),
    ("[agent.claude]\naccount = \"a/b\"", "agent.claude.account: is not a name"),
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
        admits: &|_, _| true,
        ends_at: &|_| false,
    };
    let error = load(&Flags::default(), &unread).expect_err("unreadable");
    assert!(error.to_string().contains("permission denied"));
    let broken = World { read: &|_| Ok(Some(b"a\n\xff".to_vec())), ..unread };
    let error = load(&Flags::default(), &broken).expect_err("no text");
    assert!(error.to_string().contains("line 2, column 1: the file is not valid UTF-8"), "{error}");
}

#[test]
fn mistakes_in_the_rules_are_told_with_their_own_file() {
    let load_with = |rules: &'static [u8]| {
        let world = World {
            env: &|_| None,
            cwd: Path::new("/r"),
            read: &|path| {
                let settings = b"agents = 0\n[failures]\nrules = \"own.toml\"\n[agent.script]\nkind = \"demo\"\n";
                let own = path == Path::new("/r/own.toml");
                Ok(Some(if own { rules.to_vec() } else { settings.to_vec() }))
            },
            exists: &|path| path == Path::new("/r/swarm.toml"),
            admits: &|_, _| true,
            ends_at: &|_| false,
        };
        load(&Flags::default(), &world).expect_err("agents = 0").to_string()
    };
    let good = load_with(
        b"schema = 1\n[[rule]]\nid = \"my.x\"\nagents = [\"script\"]\nfault = \"auth\"\nexit.code = 9\n",
    );
    assert!(
        good.starts_with("1 problem with the settings") && !good.contains("own.toml"),
        "{good}"
    );
    let bad = load_with(b"schema = 1\n[[rule]]\nid = \"my.x\"\nfault = \"auht\"\nexit.code = 9\n");
    for said in [
        "2 problems with the settings",
        "\"/r/swarm.toml\", line 1, column 10: agents: must be",
        "\"/r/own.toml\", line 4, column 9: rule.fault: `auht` is not a fault (did you mean `auth`?)",
    ] {
        assert!(bad.contains(said), "{said}: {bad}");
    }
    assert!(
        load_with(b"\xff")
            .contains("\"/r/own.toml\", line 1, column 1: the file is not valid UTF-8")
    );
}
