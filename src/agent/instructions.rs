//! The standing instructions: a template with `{{name}}` variables, checked to the last one.
//!
//! Pure. Invariant: what is rendered holds no unknown variable and no half-open braces, so that a
//! mistake in a template of the operator's stops the start and not the agent.

use crate::domain::settings::problem::Problem;

/// The built-in template.
pub const TEMPLATE: &str = include_str!("instructions.md");

/// The value of `workplace` and of `commit_rule`: with a branch, or in a scratch directory.
pub fn rules(branch: Option<&str>, base: Option<&str>) -> (String, String) {
    let Some(branch) = branch else {
        return (
            "The current directory is a scratch directory; what you leave in it is kept.".into(),
            "There is no repository here: leave your work as files.".into(),
        );
    };
    let from = base.map(|base| format!(", which starts at {base}")).unwrap_or_default();
    (
        format!("The current directory is a git worktree on the branch `{branch}`{from}."),
        format!(
            "Commit your work on `{branch}`, in steps that make sense by themselves, with messages that \
             say what changed and why. What you leave uncommitted is committed for you, without a word \
             of explanation."
        ),
    )
}

/// Fills in the variables, or says everything that is wrong with the template.
pub fn render(template: &str, vars: &[(&str, &str)]) -> Result<String, Vec<Problem>> {
    let mut out = String::with_capacity(template.len());
    let mut problems = Vec::new();
    for (number, line) in (1u32..).zip(template.split_inclusive('\n')) {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let column = u32::try_from(line.len() - after.len() - 1).unwrap_or(0);
            let Some((name, tail)) = after.split_once("}}") else {
                problems.push(open_brace(after).at(number, column));
                rest = "";
                break;
            };
            match vars.iter().find(|(known, _)| *known == name.trim()) {
                Some((_, value)) => out.push_str(value),
                None => problems.push(unknown(name.trim(), vars).at(number, column)),
            }
            rest = tail;
        }
        out.push_str(rest);
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn open_brace(after: &str) -> Problem {
    let start: String = after.trim_end().chars().take(20).collect();
    Problem::new(format!("`{{{{{start}` is not closed on its line")).hint("write {{name}}")
}

fn unknown(name: &str, vars: &[(&str, &str)]) -> Problem {
    let near = vars
        .iter()
        .map(|(known, _)| (strsim::jaro_winkler(name, known), *known))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(
        || {
            let known: Vec<&str> = vars.iter().map(|(known, _)| *known).collect();
            format!("the variables are {}", known.join(", "))
        },
        |(_, known)| format!("did you mean {{{{{known}}}}}"),
    );
    Problem::new("there is no variable of this name").key(name).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<(&'static str, &'static str)> {
        let names = [
            "task",
            "attempt",
            "workplace",
            "commit_rule",
            "branch",
            "base",
            "worker",
            "root",
            "title",
        ];
        names.map(|name| (name, "VALUE")).to_vec()
    }

    #[test]
    fn the_built_in_template_renders() {
        let text = render(TEMPLATE, &all()).unwrap();
        assert!(text.contains("Your task is `VALUE`, attempt VALUE. VALUE\n"));
        assert!(!text.contains("{{") && text.ends_with('\n'));
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let problems = render("a {{tsak}} {{zzz}}\nb {{ base }}\n {{branch\n", &all()).unwrap_err();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
        assert!(shown[0].starts_with("line 1, column 3: tsak: ") && shown[0].contains("{{task}}"));
        assert!(shown[1].contains("zzz") && shown[1].contains("the variables are task,"));
        assert!(shown[2].starts_with("line 3, column 2: ") && shown[2].contains("not closed"));
    }

    #[test]
    fn a_value_is_not_rendered_again() {
        let text = render("{{task}}", &[("task", "{{base}}")]).unwrap();
        assert_eq!(text, "{{base}}");
    }
}
