//! What a task file may ask for has a ceiling, and who asks for more is told where it is raised.

use crate::support::swarm::Swarm;

/// Front matter, the line of the mistake, and the key that raises the ceiling.
const TOO_MUCH: [(&str, u32, &str); 8] = [
    ("timeout: 25h", 2, "`timeout` under [limits.max]"),
    ("timeout: 7d", 2, "`timeout` under [limits.max]"),
    ("title: t\nmax_turns: 2001", 3, "`max_turns` under [limits.max]"),
    ("max_budget_usd: 100.5", 2, "`max_budget_usd` under [limits.max]"),
    ("limits:\n  cpu_time: 25h", 3, "`cpu_time` under [limits.max]"),
    ("limits:\n  processes: none", 3, "`processes` under [limits.max]"),
    ("limits:\n  output: 5GiB", 3, "`output` under [limits.max]"),
    ("limits:\n  file_size: none", 3, "`file_size` under [limits.max]"),
];

#[test]
fn who_asks_for_more_is_rejected_with_the_line_and_the_key_that_raises_it() {
    let swarm = Swarm::new();
    for (n, (lines, _, _)) in TOO_MUCH.iter().enumerate() {
        swarm.drop(format!("t{n}.md"), format!("---\n{lines}\n---\ntrue\n"));
    }
    swarm.worker(&["--drain"]).exits(1);
    for (n, (lines, line, key)) in TOO_MUCH.iter().enumerate() {
        let (dir, name) = swarm.place(&format!("t{n}")).expect("it is there");
        assert_eq!(dir, "rejected", "{lines}");
        let report = swarm.at(format!("queue/rejected/{name}"));
        let report =
            report.with_file_name(format!("{}.error.txt", name.trim_end_matches(".error.txt")));
        let report = std::fs::read_to_string(report).unwrap();
        assert!(report.contains(&format!("line {line}")), "{lines}: {report}");
        assert!(report.contains(key), "{lines}: {report}");
    }
}

#[test]
fn the_ceiling_itself_is_granted_and_the_operator_raises_or_lifts_it() {
    let swarm = Swarm::new();
    swarm.drop("most.md", "---\ntimeout: 24h\nmax_turns: 2000\nmax_budget_usd: 100\nlimits:\n  cpu_time: 24h\n---\necho x > x.txt\n");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 1");
    swarm.settings("[limits.max]\ntimeout = \"3d\"\nmax_turns = \"none\"\nmax_budget_usd = 250.5\ncpu_time = \"none\"\n");
    swarm.drop("more.md", "---\ntimeout: 3d\nmax_turns: 9000\nmax_budget_usd: 250\nlimits:\n  cpu_time: 40h\n---\necho y > y.txt\n");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 2");
    // What every task of an agent is given may be asked for, too.
    swarm.settings("timeouts = { wall = \"50h\", interrupt_grace = \"300ms\", terminate_grace = \"300ms\" }\n[agent.other]\nkind = \"demo\"\nmax_turns = 5000\nmax_budget_usd = 300.0\n[limits]\ncpu_time = \"30h\"\n");
    swarm.drop("same.md", "---\ntimeout: 50h\nmax_turns: 5000\nmax_budget_usd: 300\nlimits:\n  cpu_time: 30h\n---\necho z > z.txt\n");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 3");
}

#[test]
fn what_nobody_asks_for_is_as_it_was() {
    let swarm = Swarm::new();
    let value = |key: &str| {
        let settings = swarm.json(&["config"])["settings"].as_array().unwrap().clone();
        settings.iter().find(|s| s["key"] == key).unwrap()["value"].to_string()
    };
    let of = [
        ("timeouts.wall", "\"2h\""),
        ("limits.memory", "\"none\""),
        ("limits.processes", "2048"),
        ("limits.max.timeout", "\"24h\""),
        ("limits.max.max_budget_usd", "100.0"),
        ("limits.max.memory", "\"none\""),
    ];
    for (key, wanted) in of {
        assert_eq!(value(key).replace("1d", "24h"), wanted, "{key}");
    }
    // A ceiling that somebody wrote holds what nobody asked for, too.
    swarm.settings("[limits.max]\ntimeout = \"30m\"\n");
    let settings = swarm.json(&["config"])["settings"].as_array().unwrap().clone();
    let wall = settings.iter().find(|s| s["key"] == "timeouts.wall").unwrap();
    assert_eq!(
        (&wall["value"], wall["from"].as_str().unwrap().starts_with("swarm.toml:")),
        (&"30m".into(), true)
    );
}
