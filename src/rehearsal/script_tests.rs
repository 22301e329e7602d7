//! Scripts as people write them.

use super::*;

fn directives(prompt: &str) -> Vec<Directive> {
    parse(prompt, "fix-it-x7k2").unwrap().into_iter().map(|line| line.directive).collect()
}

#[test]
fn a_script_is_a_fenced_block_or_the_whole_prompt() {
    let whole = directives("write a.txt hello\\nworld\n\n# a comment\ncommit add a\n");
    let fenced =
        directives("Please play:\n\n```demo\nwrite a.txt hello\\nworld\ncommit add a\n```\nThanks");
    assert_eq!(whole, fenced);
    assert_eq!(
        whole[0],
        Directive::Write { file: "a.txt".into(), text: "hello\nworld\n".into(), append: false }
    );
}

#[test]
fn any_other_prompt_writes_a_file_and_commits_it() {
    let script = directives("# Fix the login\n\nIt fails.");
    assert_eq!(script[2], Directive::Commit("Fix the login".into()));
    assert!(matches!(&script[1], Directive::Write { file, .. } if file == "fix-it-x7k2.md"));
}

#[test]
fn mistakes_are_named_with_their_line_and_what_was_meant() {
    let problems = parse("x\n```demo\nwrit a b\nsleep long\nexit 300\n```", "t").unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 3);
    assert!(shown[0].starts_with("line 3: writ: ") && shown[0].contains("did you mean `write`"));
    assert!(shown[1].starts_with("line 4: ") && shown[2].starts_with("line 5: "));
}

#[test]
fn times_have_units_and_attempts_select() {
    let script = parse("once fail first\nattempt 2 sleep 1m\nthink 5\nsleep 20ms", "t").unwrap();
    assert_eq!(script[1].directive, Directive::Sleep { ms: 60_000 });
    assert_eq!(script[3].directive, Directive::Sleep { ms: 20 });
    let on = |attempt| script.iter().filter(|line| line.acts_on(attempt)).count();
    assert_eq!((on(1), on(2), on(3)), (3, 3, 2));
}
