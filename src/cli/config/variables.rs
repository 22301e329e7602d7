//! Variables `SWARMDIR_…` that say nothing because they are no text, or because their name is misspelt.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::rows::ROWS;
use crate::domain::settings::problem::Problem;

const PREFIX: &str = "SWARMDIR_";
/// So many letters may be wrong, missing, too many or in each other's place.
const EDITS: usize = 2;
/// In a shorter name two wrong letters make any other.
const SHORTEST: usize = 5;

/// What is wrong with one of these. A name that is like none of ours is somebody else's.
pub(super) fn mistake(variables: &[(OsString, OsString)]) -> Option<Problem> {
    variables.iter().filter(|(name, _)| name.as_bytes().starts_with(PREFIX.as_bytes())).find_map(
        |(name, value)| {
            if value.to_str().is_none() {
                let said = format!("{}: {value:?} is no UTF-8 text", name.display());
                return Some(Problem::new(said));
            }
            let name = name.to_str()?;
            let meant = meant_by(name)?;
            Some(
                Problem::new(format!("{name}: there is no such variable"))
                    .hint(format!("did you mean `{meant}`?")),
            )
        },
    )
}

/// The variable of a setting that this one is a misspelling of.
fn meant_by(name: &str) -> Option<&'static str> {
    let known = || ROWS.iter().map(|row| row.env).chain(["SWARMDIR_ROOT"]);
    let word = name.strip_prefix(PREFIX)?;
    if word.len() < SHORTEST || known().any(|known| known == name) {
        return None;
    }
    let edits = |known: &str| strsim::damerau_levenshtein(word, &known[PREFIX.len()..]);
    known().filter(|known| edits(known) <= EDITS).min_by_key(|known| edits(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_and_what_is_others_is_not() {
        for (name, meant) in [
            ("SWARMDIR_AGNETS", Some("SWARMDIR_AGENTS")),
            ("SWARMDIR_MAX_ATTEMPT", Some("SWARMDIR_MAX_ATTEMPTS")),
            ("SWARMDIR_TIMEOUT_WALL", Some("SWARMDIR_TIMEOUTS_WALL")),
            ("SWARMDIR_DRAINWAIT", Some("SWARMDIR_DRAIN_WAIT")),
            ("SWARMDIR_AGENTS", None),
            ("SWARMDIR_AGENT", None),
            // What agents are given, and what is nobody's.
            ("SWARMDIR_TASK", None),
            ("SWARMDIR_ATTEMPT", None),
            ("SWARMDIR_SESSION", None),
            ("SWARMDIR_BRANCH", None),
            ("SWARMDIR_CONTEXT", None),
            ("SWARMDIR_WORKER", None),
            ("SWARMDIR_QUEUE_INODE", None),
            ("SWARMDIR_NOBODYS", None),
            ("SWARMDIR_", None),
        ] {
            assert_eq!(meant_by(name), meant, "{name}");
        }
        let set = |name: &str, value: &[u8]| {
            (OsString::from(name), std::ffi::OsStr::from_bytes(value).to_owned())
        };
        assert_eq!(mistake(&[set("OTHER", b"\xff"), set("SWARMDIR_AGENTS", b"3")]), None);
        let said = mistake(&[set("SWARMDIR_TREES", b"\xff")]).expect("it is no text").to_string();
        assert!(said.starts_with("SWARMDIR_TREES: ") && said.contains("no UTF-8"), "{said}");
        let said = mistake(&[set("SWARMDIR_AGNETS", b"3")]).expect("misspelt").to_string();
        assert!(said.contains("did you mean `SWARMDIR_AGENTS`?"), "{said}");
    }
}
