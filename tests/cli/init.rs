//! `coordinator init` leaves settings that load, wherever claude is and whatever is there already; repeated it is harmless.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::running::Done;
use crate::support::swarm::{COORDINATOR, Swarm};

/// A program that says that it is claude.
fn put_claude(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join("claude");
    fs::write(&path, "#!/bin/sh\necho '2.1.328 (Claude Code)'\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// `coordinator ARGS` with this directory first on PATH.
fn with_path(swarm: &Swarm, first: &OsStr, args: &[&str]) -> Done {
    let mut path = OsString::from(first);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    swarm.start(swarm.command(COORDINATOR).args(args).env("PATH", path)).end()
}

fn recorded(swarm: &Swarm) -> Option<String> {
    let config = swarm.json(&["config"]);
    let settings = config["settings"].as_array().unwrap();
    let program = settings.iter().find(|setting| setting["key"] == "agent.claude.program")?;
    program["value"].as_str().map(str::to_owned)
}

/// What `init` may leave beside the queue: no file that was only on its way.
fn names(root: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(root).unwrap().flatten().map(name).collect();
    names.sort();
    names
}

#[test]
fn claudes_path_is_recorded_wherever_it_is() {
    for odd in [
        "plain",
        "with space",
        "quo\"te's",
        "back\\slash\\n",
        "é日本 🦀",
        "a\nline",
        "[agent.claude]",
        "#",
        "$HOME ~",
    ] {
        let swarm = Swarm::empty();
        let dir = swarm.beside("bin").join(odd);
        put_claude(&dir);
        for _again in 0..2 {
            with_path(&swarm, dir.as_os_str(), &["init"]).exits(0);
            assert_eq!(recorded(&swarm).as_deref(), dir.join("claude").to_str(), "{odd:?}");
        }
        assert_eq!(names(swarm.root()), [".swarmdir", "queue", "swarm.toml"], "{odd:?}");
        assert!(with_path(&swarm, dir.as_os_str(), &["doctor"]).out.contains("2.1.328"), "{odd:?}");
    }
}

#[test]
fn a_link_is_recorded_as_the_link_and_a_relative_entry_of_path_not_at_all() {
    let swarm = Swarm::empty();
    put_claude(&swarm.beside("versions/1"));
    fs::create_dir(swarm.beside("bin")).unwrap();
    symlink("../versions/1/claude", swarm.beside("bin/claude")).unwrap();
    with_path(&swarm, swarm.beside("bin").as_os_str(), &["init"]).exits(0);
    // The next version is linked in its place.
    assert_eq!(recorded(&swarm).as_deref(), swarm.beside("bin/claude").to_str());

    let swarm = Swarm::empty();
    put_claude(&swarm.at("tools"));
    with_path(&swarm, OsStr::new("tools"), &["init", "below"]).exits(0);
    let below = swarm.json(&["--root", "below", "config"]).to_string();
    // What it leads to depends on where one stands: no program is looked for there.
    assert!(!below.contains("tools/claude"), "{below}");
}

#[test]
fn a_path_that_is_no_text_is_left_to_path() {
    let swarm = Swarm::empty();
    let dir = swarm.beside("bin").join(OsStr::from_bytes(b"\xff\xfe"));
    put_claude(&dir);
    let said = with_path(&swarm, dir.as_os_str(), &["init"]).exits(0);
    assert!(format!("{}{}", said.out, said.err).contains("left to PATH"), "{said:?}");
    assert_eq!(recorded(&swarm), None);
}

#[test]
fn settings_of_the_users_own_are_kept_to_the_byte() {
    let own = [
        "",
        "agents = 2",
        "agents = 2\r\n[agent.claude]\r\nmodel = \"opus\"\r\n",
        "[agent.claude]\nprogram = \"/bin/true\"\n",
        "agent.claude.model = \"opus\"\nagent.claude.max_turns = 3",
        "agent = { claude = { model = \"opus\" } }\n",
        "\u{feff}[agent]\nclaude = { kind = \"claude\" }\n# no end",
    ];
    for text in own {
        let swarm = Swarm::empty();
        put_claude(&swarm.beside("bin"));
        fs::write(swarm.at("swarm.toml"), text).unwrap();
        for _again in 0..2 {
            with_path(&swarm, swarm.beside("bin").as_os_str(), &["init"]).exits(0);
            swarm.coordinator(&["config"]).exits(0);
            assert_eq!(fs::read_to_string(swarm.at("swarm.toml")).unwrap(), text);
        }
        assert_eq!(names(swarm.root()), [".swarmdir", "queue", "swarm.toml"], "{text:?}");
    }
}

#[test]
fn settings_that_do_not_load_are_told_and_nothing_is_made() {
    let twice = "[agent.claude]\n[agent.claude]\n";
    let swarm = Swarm::empty();
    fs::write(swarm.at("swarm.toml"), twice).unwrap();
    let said = swarm.coordinator(&["init"]).exits(2).err;
    assert!(
        said.contains("duplicate key") && said.contains("line 2") && said.contains("hint:"),
        "{said}"
    );
    assert_eq!(names(swarm.root()), ["swarm.toml"]);
    assert_eq!(fs::read_to_string(swarm.at("swarm.toml")).unwrap(), twice);
}

#[test]
fn where_nothing_can_be_written_it_says_so_and_leaves_nothing() {
    let swarm = Swarm::empty();
    // Nobody can make a file there, whoever he is.
    let said = swarm.coordinator(&["init", "/proc/self"]).exits(69).err;
    assert!(
        said.contains("cannot make") && said.contains("/proc/") && said.contains("hint:"),
        "{said}"
    );
    fs::write(swarm.at("file"), "").unwrap();
    let said = swarm.coordinator(&["init", "file"]).exits(69).err;
    assert!(said.contains("file") && said.contains("hint:"), "{said}");
    assert_eq!(names(swarm.root()), ["file"]);
}

#[test]
fn in_a_subdirectory_that_is_named_it_is_that_ones_own_and_hidden_from_git() {
    let swarm = Swarm::new();
    fs::remove_file(swarm.at("swarm.toml")).unwrap();
    fs::write(swarm.at(".git/info/exclude"), "").unwrap();
    fs::create_dir(swarm.at("sub")).unwrap();
    let mut init = swarm.command(COORDINATOR);
    swarm.start(init.args(["init", "."]).current_dir(swarm.at("sub"))).end().exits(0);
    assert_eq!(names(&swarm.at("sub")), [".swarmdir", "queue", "swarm.toml"]);
    assert_eq!(swarm.git(&["status", "--porcelain", "-uall"]), "?? sub/swarm.toml");
    swarm.coordinator(&["--root", "sub", "config"]).exits(0);
}

#[test]
fn many_at_once_leave_one_whole_file() {
    let swarm = Swarm::empty();
    let running: Vec<_> = (0..8).map(|_| swarm.start_coordinator(&["init"])).collect();
    for one in running {
        one.end().exits(0);
    }
    swarm.coordinator(&["config"]).exits(0);
    assert_eq!(names(swarm.root()), [".swarmdir", "queue", "swarm.toml"]);
}
