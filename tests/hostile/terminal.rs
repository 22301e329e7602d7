//! Agents that write escape sequences wherever they can: none reaches a terminal, whatever command is asked.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::pty::openpty;

use super::properties::safe::{assert_harmless, obeyed};
use crate::support::proof::proof;
use crate::support::swarm::{COORDINATOR, Swarm};

/// For `printf`: CSI, OSC 0, 8 and 52, DCS, C1, bidi, tags, CR, BS, DEL, NUL, and the colour that we use ourselves.
const PRINTF: &str = r"\033[2J\033]0;t\007\033]8;;x:y\033\\\033]52;c;cHduZWQ=\007\033P+q\033\\\302\2331;31m\342\200\256\363\240\201\201\r\010\177\000\033[31m";
/// The same as text; without NUL and CR, which end a word of the demo agent's script.
const RAW: &str =
    "\u{1b}[2J\u{1b}]0;t\u{7}\u{1b}]8;;x\u{1b}\\\u{9b}31m\u{202e}\u{e0041}\u{8}\u{7f}\u{1b}[31m";

/// The text without the colours of our own; where none are wanted it must hold none either.
pub(super) fn without_own_colors(text: &str) -> String {
    let own = ["0", "1", "2", "31", "32", "33", "36"];
    own.iter().fold(text.to_owned(), |text, code| text.replace(&format!("\u{1b}[{code}m"), ""))
}

/// Tasks of the command agent and of the demo agent, that end well and badly, and one that is rejected.
fn drop_hostile_tasks(swarm: &Swarm) {
    let noise = format!(
        "printf '{PRINTF}\\nmore {PRINTF}'; printf '{PRINTF}\\n' >&2\n\
         printf x > \"$(printf 'f{PRINTF}' | tr -d '\\000')\"\n\
         git add -A; git commit -qm \"$(printf 's {PRINTF}' | tr -d '\\000')\"\n\
         printf y > \"$(printf 'left{PRINTF}' | tr -d '\\000')\"\n"
    );
    swarm.drop("sh-good", &noise);
    swarm.drop("sh-bad", format!("{noise}exit 3\n"));
    let demo = format!(
        "---\nagent: demo\ntitle: T\u{202e}\u{200b}x\n---\nwrite f{RAW} x\ncommit c{RAW}\ndeny T{RAW}\nsay s{RAW}\ncost 0.01\n"
    );
    swarm.drop("demo-good", &demo);
    swarm.drop("demo-bad", format!("{demo}garbage\nfail why {RAW}\n"));
    swarm.drop(
        format!("bad {RAW}.md"),
        format!("---\ntitle: {RAW}\nagent: {RAW}\n{RAW}: x\n---\nx\n"),
    );
}

#[test]
fn no_command_passes_on_what_agents_and_files_hold() {
    let swarm = Swarm::new();
    drop_hostile_tasks(&swarm);
    fs::write(swarm.at(format!("queue/pending/.{RAW}")), "x").unwrap();
    let run = swarm.coordinator(&["--drain", "--agents", "2"]).exits(1);
    assert_harmless("the summary of the run", &run.out);
    assert_harmless("the progress of the run", &run.err);
    assert!(run.out.contains("2 done") && run.out.contains("1 rejected"), "{}", run.out);
    fs::write(swarm.at(format!("queue/done/{RAW}")), "foreign").unwrap();
    fs::write(swarm.at("interrupt"), format!("because {RAW}\nand {RAW}")).unwrap();
    swarm.drop(format!("later {RAW}"), "echo x");

    let file = swarm.beside("hostile.md");
    fs::write(&file, format!("---\nmodel: {RAW}\n{RAW}\n---\nx")).unwrap();
    let file = file.to_str().unwrap();
    let mut commands: Vec<Vec<String>> = Vec::new();
    let mut ask = |words: &[&str]| commands.push(words.iter().map(|&w| w.to_owned()).collect());
    for words in [
        &["status"][..],
        &["status", "--all"],
        &["check"],
        &["config"],
        &["doctor"],
        &["add", file],
        &["add", "--name", RAW, file],
        &["show", RAW],
        &["explain", "no-such-task"],
        &["status", "--json"],
        &["check", "--json"],
    ] {
        ask(words);
    }
    let ids = swarm.names("runs");
    assert_eq!(ids.len(), 5, "{ids:?}");
    for id in &ids {
        for command in ["show", "explain", "logs"] {
            ask(&[command, id]);
        }
        ask(&["logs", "--follow", id]);
        ask(&["show", "--json", id]);
    }
    let count = 2 * commands.len() + 1;
    for words in commands {
        for color in ["never", "always"] {
            let mut args = vec!["--color", color];
            args.extend(words.iter().map(String::as_str));
            let done = swarm.coordinator(&args);
            assert!(done.code() < 100 && !done.err.contains("panicked"), "{args:?}: {}", done.err);
            for text in [&done.out, &done.err] {
                let own = color == "always";
                let text = if own { without_own_colors(text) } else { text.clone() };
                assert_harmless(&format!("{args:?}"), &text);
            }
        }
    }
    let kept = files_for_people(&swarm);
    assert!(kept >= 3, "logs and a report: {kept}");
    fs::remove_file(swarm.at("interrupt")).unwrap();
    fs::remove_file(swarm.at(format!("queue/done/{RAW}"))).unwrap();
    proof("hostile", "commands asked about hostile agents", count);
}

/// Logs and reports are read with `cat`.
fn files_for_people(swarm: &Swarm) -> usize {
    let mut count = 0;
    for dir in [".swarmdir/log", "queue/rejected", "queue/log"] {
        for entry in fs::read_dir(swarm.at(dir)).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".log") || name.ends_with(".txt") || name.ends_with(".jsonl") {
                let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
                assert_harmless(&name, &text);
                count += 1;
            }
        }
    }
    count
}

#[test]
fn what_is_followed_is_harmless_as_well() {
    let swarm = Swarm::new();
    let hold = swarm.holds("middle");
    swarm.drop(
        "noisy",
        format!("printf 'a {PRINTF}\\n'\n{hold}printf 'b {PRINTF} no end of line'\n"),
    );
    let worker = swarm.start_worker(&["--drain"]);
    swarm.wait_held("middle");
    let follow = swarm.start_coordinator(&["logs", "--follow", "noisy"]);
    swarm.let_go("middle");
    worker.end().exits(0);
    let shown = follow.end().exits(0).out;
    assert_harmless("logs --follow", &shown);
    assert!(shown.contains("a ") && shown.contains("no end of line"), "{shown:?}");
    // A worker alone has one log file for all.
    assert!(files_for_people(&swarm) >= 1);
}

/// What a command writes to a terminal.
fn on_a_terminal(swarm: &Swarm, args: &[&str]) -> String {
    let pty = openpty(None, None).unwrap();
    let mut command = swarm.command(COORDINATOR);
    let slave: OwnedFd = pty.slave;
    command.args(args).env("TERM", "xterm-256color").stdin(Stdio::null());
    command.stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut child = command.spawn().unwrap();
    // The command holds the slave's descriptors until then.
    drop(command);
    let mut bytes = Vec::new();
    // The end of a terminal is an error to who reads its other side.
    let _hung_up = fs::File::from(pty.master).read_to_end(&mut bytes);
    assert!(child.wait().unwrap().success(), "{args:?}");
    String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
}

#[test]
fn raw_logs_are_raw_for_a_program_and_harmless_on_a_terminal() {
    let swarm = Swarm::new();
    swarm.drop("noisy", format!("printf 'a {PRINTF}\\n\\377\\n'\n"));
    swarm.drain();
    let raw = swarm.command(COORDINATOR).args(["logs", "--raw", "noisy"]).output().unwrap();
    let [id] = &swarm.names("runs")[..] else { panic!("one task") };
    let attempt = swarm.show(id)["attempts"][0].clone();
    let dir = format!("{}.{}", attempt["epoch"], attempt["worker"].as_str().unwrap());
    let written = fs::read(swarm.at(format!("queue/runs/{id}/{dir}/events.jsonl"))).unwrap();
    assert_eq!(raw.stdout, written, "a program gets every byte");
    assert!(written.contains(&0x1b) && written.contains(&0) && written.contains(&0xff));

    for args in
        [&["logs", "--raw", "noisy"][..], &["logs", "noisy"], &["status"], &["show", "noisy"]]
    {
        let shown = on_a_terminal(&swarm, args);
        assert_harmless(&format!("{args:?} on a terminal"), &without_own_colors(&shown));
    }
    let shown = on_a_terminal(&swarm, &["logs", "--raw", "noisy"]);
    assert!(
        shown.contains("a \\u{1b}[2J") && !shown.chars().any(|ch| ch != '\n' && obeyed(ch)),
        "{shown:?}"
    );
    proof("hostile", "commands shown on a terminal", 5);
}
