//! Whose a file is: the user's own, or one that came with a clone; and what follows for settings.
//!
//! Pure: the facts are gathered elsewhere (`trust`). Invariant: what cannot be told counts as having come with a
//! clone, so that nothing of a stranger's takes effect because a look failed.

use std::fmt;
use std::path::PathBuf;

/// Whose a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The user's own: it needs no trust, however often it is edited.
    Own,
    /// It came with a clone, or from another user: it takes effect once the user has said so.
    CameWithClone(Why),
}

/// Why a file counts as having come with a clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// Another user owns it.
    Owner {
        /// That user.
        uid: u32,
    },
    /// Git tracks it, and its last commit came from another repository.
    Commit {
        /// The commit, 40 hex digits (or 64).
        commit: String,
        /// Where it is found: `origin/main`, `a shallow clone` …
        within: String,
    },
    /// It cannot be told, and why.
    Unknown(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Owner { uid } => write!(f, "user {uid} owns it"),
            Why::Commit { commit, within } => {
                let short = commit.get(..10).unwrap_or(commit);
                write!(f, "git tracks it, and its last commit {short} is in {within}")
            }
            Why::Unknown(why) => write!(f, "whether git tracks it cannot be told: {why}"),
        }
    }
}

/// What git says of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tracked {
    /// No repository tracks it.
    No,
    /// One does, and its last commit was made here (or it was never committed).
    Here,
    /// One does, and its last commit is in what was fetched.
    Elsewhere {
        /// The commit.
        commit: String,
        /// Where it is found.
        within: String,
    },
    /// Git could not be asked, or did not answer.
    Unknown(String),
}

/// Who asks: the effective user, and who became root by `sudo`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User {
    /// The effective user.
    pub uid: u32,
    /// `SUDO_UID`, which counts for root alone.
    pub sudo_uid: Option<u32>,
}

impl User {
    /// Whether what this user owns is ours; as git decides for `safe.directory`.
    pub fn owns(self, uid: u32) -> bool {
        uid == self.uid || (self.uid == 0 && self.sudo_uid == Some(uid))
    }
}

/// Judges one name (a link, or the file at the end of all links) by its owner and by what git says of it.
pub fn origin(user: User, owner: u32, tracked: Tracked) -> Origin {
    if !user.owns(owner) {
        return Origin::CameWithClone(Why::Owner { uid: owner });
    }
    match tracked {
        Tracked::No | Tracked::Here => Origin::Own,
        Tracked::Elsewhere { commit, within } => {
            Origin::CameWithClone(Why::Commit { commit, within })
        }
        Tracked::Unknown(why) => Origin::CameWithClone(Why::Unknown(why)),
    }
}

/// An attempt's time, nanoseconds since 1970 by the clock of the file system; `until` is `None` while it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Its beginning.
    pub from: i128,
    /// Its end.
    pub until: Option<i128>,
}

impl Span {
    /// Whether a time from `first` to `last` touches it.
    pub fn meets(self, first: i128, last: i128) -> bool {
        self.from <= last && self.until.is_none_or(|until| first <= until)
    }
}

/// What is known of `swarm.toml` when settings are loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The file is there.
    pub present: bool,
    /// Its content (or its absence) is what was in force last.
    pub as_before: bool,
    /// Something was in force here before.
    pub known_before: bool,
    /// It changed while an agent ran.
    pub during_attempt: bool,
    /// It is the user's own, or trusted with this content at this place.
    pub vouched: bool,
}

/// What follows for the settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ruling {
    /// What stands in the file (or nothing, where there is none) is in force.
    InForce,
    /// It is not in force, and nothing runs by it.
    Untrusted,
    /// What was in force before stays so until the user says that the change is meant.
    AsBefore,
}

/// Decides which settings are in force.
pub fn rule(seen: Seen) -> Ruling {
    match seen {
        // A clone that nobody has run here: there is nothing that could stay in force.
        Seen { present: true, vouched: false, known_before: false, .. } => Ruling::Untrusted,
        Seen { as_before: false, during_attempt: true, .. } => Ruling::AsBefore,
        Seen { present: true, vouched: false, .. } => Ruling::Untrusted,
        _ => Ruling::InForce,
    }
}

/// How far settings are in force, for people.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum TrustState {
    /// What stands in the file is in force, or there is none.
    #[default]
    InForce,
    /// A file came with a clone and is not trusted: nothing of `swarm.toml` is used.
    Untrusted {
        /// That file.
        file: PathBuf,
        /// Why it counts so.
        why: Why,
    },
    /// `swarm.toml` changed while an agent ran: what was in force before stays so.
    AsBefore {
        /// The file.
        file: PathBuf,
    },
}

impl fmt::Display for TrustState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrustState::InForce => f.write_str("in force"),
            TrustState::Untrusted { file, why } => write!(
                f,
                "{file:?} came with a clone and is not trusted, so swarm.toml is not used: {why}"
            ),
            TrustState::AsBefore { file } => write!(
                f,
                "{file:?} changed while an agent ran: the settings from before stay in force"
            ),
        }
    }
}

impl TrustState {
    /// What to do about it; `None` where there is nothing to do.
    pub fn hint(&self) -> Option<&'static str> {
        (*self != TrustState::InForce).then_some("read it, then: coordinator trust")
    }

    /// A word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            TrustState::InForce => "in_force",
            TrustState::Untrusted { .. } => "untrusted",
            TrustState::AsBefore { .. } => "as_before",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: User = User { uid: 1000, sudo_uid: None };
    const SUDO: User = User { uid: 0, sudo_uid: Some(1000) };

    fn elsewhere() -> Tracked {
        Tracked::Elsewhere { commit: "c".into(), within: "origin/main".into() }
    }

    #[test]
    fn owners_are_judged_as_git_judges_them() {
        for (user, owner, ours) in [
            (USER, 1000, true),
            (USER, 0, false),
            (USER, 1001, false),
            (SUDO, 0, true),
            (SUDO, 1000, true),
            (SUDO, 1001, false),
            (User { uid: 0, sudo_uid: None }, 1000, false),
            // The variable is anybody's who is not root.
            (User { uid: 1001, sudo_uid: Some(1000) }, 1000, false),
        ] {
            assert_eq!(user.owns(owner), ours, "{user:?} {owner}");
        }
    }

    #[test]
    fn a_file_is_own_unless_somebody_else_owns_it_or_its_last_commit_was_fetched() {
        let own = |owner, tracked| origin(USER, owner, tracked) == Origin::Own;
        assert!(own(1000, Tracked::No));
        assert!(own(1000, Tracked::Here));
        assert!(!own(1000, elsewhere()));
        assert!(!own(1000, Tracked::Unknown("no git".into())));
        for tracked in [Tracked::No, Tracked::Here, elsewhere()] {
            let judged = origin(USER, 7, tracked);
            assert_eq!(judged, Origin::CameWithClone(Why::Owner { uid: 7 }));
        }
    }

    #[test]
    fn a_span_is_met_at_its_edges_too() {
        let over = Span { from: 10, until: Some(20) };
        let goes_on = Span { from: 10, until: None };
        for (first, last, met) in
            [(9, 9, false), (10, 10, true), (20, 20, true), (21, 30, false), (0, 10, true)]
        {
            assert_eq!(over.meets(first, last), met, "{first} {last}");
        }
        assert!(goes_on.meets(99, 99) && !goes_on.meets(0, 9));
    }

    #[test]
    fn which_settings_are_in_force() {
        use Ruling::{AsBefore, InForce, Untrusted};
        // present, as before, known before, during an attempt, vouched
        let table = [
            ([false, true, false, false, false], InForce), // no file, never one
            ([false, false, true, false, false], InForce), // a person removed it
            ([false, false, true, true, false], AsBefore), // an agent removed it
            ([true, false, false, false, true], InForce),  // the user's first settings
            ([true, false, false, true, true], AsBefore),  // an agent made the first settings
            ([true, false, false, false, false], Untrusted), // a fresh clone
            ([true, false, false, true, false], Untrusted), // the same where agents ran
            ([true, true, true, false, true], InForce),    // as always
            ([true, true, true, true, true], InForce),     // changed and changed back
            ([true, false, true, false, true], InForce),   // a person edited it
            ([true, false, true, true, true], AsBefore),   // an agent edited it
            ([true, false, true, false, false], Untrusted), // a pull brought another one
            ([true, false, true, true, false], AsBefore),  // the same while an agent ran
            ([true, true, true, false, false], Untrusted), // own, and then pushed; or trust was taken back
        ];
        for ([present, as_before, known_before, during_attempt, vouched], ruling) in table {
            let seen = Seen { present, as_before, known_before, during_attempt, vouched };
            assert_eq!(rule(seen), ruling, "{seen:?}");
        }
    }
}
