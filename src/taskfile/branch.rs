//! Names that git accepts for a branch: the rules of `git check-ref-format`, without git.

use crate::domain::settings::problem::Problem;

/// What is wrong with a branch name, if anything.
pub(super) fn problem(name: &str) -> Option<Problem> {
    let bad = |why: &str| Some(Problem::new(format!("`{name}` is no name for a branch: {why}")));
    if let Some(ch) = name.chars().find(|ch| " ~^:?*[\\".contains(*ch)) {
        return bad(&format!("git forbids `{ch}` in it"));
    }
    if let Some(part) = ["..", "@{", "//"].into_iter().find(|part| name.contains(part)) {
        return bad(&format!("git forbids `{part}` in it"));
    }
    if name.starts_with('/') || name.ends_with('/') || name.ends_with('.') {
        return bad("it begins or ends with a sign that git forbids there");
    }
    if name.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
        return bad("no part may begin with a dot or end in `.lock`");
    }
    if name == "@" || name == "HEAD" || name.starts_with("refs/") {
        return bad("git means something else by it");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_would_refuse_them_later() {
        for bad in
            ["a b", "a..b", "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a~1", "@", "HEAD", "a@{1}"]
        {
            assert!(problem(bad).is_some(), "{bad}");
        }
        for good in ["a", "feature/login-2", "swarm/fix_it", "v1.2", "ümlaut"] {
            assert_eq!(problem(good), None, "{good}");
        }
    }
}
