//! The forms of a task: plain text, Markdown, front matter, JSON.

use std::fs;

use crate::support::swarm::Swarm;

/// A command agent that keeps its prompt and one argument.
const KEEPER: &str = r#"
[agent.keeper]
kind = "command"
argv = ["sh", "-c", "cat > prompt.txt; printf '%s' \"$1\" > argument.txt; env > env.txt", "sh", "{prompt}"]
"#;

fn branch_file(swarm: &Swarm, task: &str, file: &str) -> String {
    let branch = swarm.show(task)["branch"].as_str().expect("a branch").to_owned();
    let output = swarm.command("git").args(["show", &format!("{branch}:{file}")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn text_markdown_front_matter_and_json_carry_their_prompt() {
    let swarm = Swarm::with(&format!("default_agent = \"keeper\"\n{KEEPER}"));
    swarm.drop("plain", "Fix the \"login\" form; $(echo no)\n");
    swarm.drop("mark.md", "# Fix it\n\n- one\n- zwei äöü 🐝\n");
    swarm.drop("front.md", "---\ntitle: A title\npriority: 2\nlabels: [ui, urgent]\nx-ticket: ABC-1\nenv:\n  FROM_TASK: 'yes'\n---\nThe body.\n");
    swarm.drop(
        "object.json",
        r#"{"prompt": "From JSON.", "title": "J", "env": {"FROM_TASK": "json"}}"#,
    );
    swarm.drop("rule.md", "Title\n---\nno front matter: it does not begin with it\n");
    swarm.drop("crlf.md", "---\r\ntitle: Windows\r\n---\r\nBody.\r\n");
    swarm.drop("bom.md", "\u{feff}---\ntitle: Bom\n---\nBody.\n");
    swarm.drain();
    assert_eq!(swarm.counts(), "done 7");
    let prompt = |task| branch_file(&swarm, task, "prompt.txt");
    assert_eq!(prompt("plain").trim_end(), "Fix the \"login\" form; $(echo no)");
    assert_eq!(prompt("mark").trim_end(), "# Fix it\n\n- one\n- zwei äöü 🐝");
    assert_eq!(prompt("front").trim_end(), "The body.");
    assert_eq!(prompt("object").trim_end(), "From JSON.");
    assert!(prompt("rule").starts_with("Title\n---\n"));
    assert_eq!(prompt("crlf").trim_end(), "Body.");
    assert_eq!(prompt("bom").trim_end(), "Body.");
    assert_eq!(branch_file(&swarm, "plain", "argument.txt").trim_end(), prompt("plain").trim_end());
    assert!(branch_file(&swarm, "front", "env.txt").contains("FROM_TASK=yes\n"));
    let front = swarm.show("front");
    assert_eq!((&front["title"], &front["labels"][1]), (&"A title".into(), &"urgent".into()));
    assert_eq!(swarm.show("crlf")["title"], "Windows");
    assert_eq!(swarm.show("bom")["title"], "Bom");
}

#[test]
fn front_matter_chooses_agent_base_branch_and_limits() {
    let swarm = Swarm::new();
    let first = swarm.git(&["rev-parse", "HEAD"]);
    fs::write(swarm.at("README"), "second\n").unwrap();
    swarm.git(&["commit", "--quiet", "-am", "second"]);
    let text = format!(
        "---\nbase: {first}\nbranch: fix/login\ntimeout: 30s\nlimits:\n  open_files: 100\n---\nulimit -n > n.txt; cat README > r.txt\n"
    );
    swarm.drop("chosen", text);
    swarm.drop(
        "scratched",
        format!("---\nagent: scratch\n---\npwd > {}\n", swarm.beside("pwd").display()),
    );
    swarm.drain();
    let chosen = swarm.show("chosen");
    assert_eq!(
        (chosen["branch"].as_str(), chosen["base"].as_str()),
        (Some("fix/login"), Some(&*first))
    );
    assert_eq!(swarm.git(&["show", "fix/login:n.txt"]), "100");
    assert_eq!(swarm.git(&["show", "fix/login:r.txt"]), "start");
    let scratched = swarm.show("scratched");
    assert!(scratched["branch"].is_null() && scratched["base"].is_null(), "{scratched}");
    let pwd = fs::read_to_string(swarm.beside("pwd")).unwrap();
    assert!(!std::path::Path::new(pwd.trim_end()).starts_with(swarm.root()), "{pwd}");
    assert!(!std::path::Path::new(pwd.trim_end()).exists(), "a scratch directory goes away");
}
