//! What of git's configuration has no say in our own calls of git.
//!
//! Some of it never has: hooks, monitors, sparse checkouts, where files and index are. Some of it has as it was before
//! an agent could change it: filters, encodings, what signs. What an agent changed of these has no say in later attempts
//! either, until a person gives the key another value. Pure; who keeps it is told by its caller.

use serde::{Deserialize, Serialize};

use super::config::{Config, ConfigChange, usual_excludes};

/// Never as configured: these run programs, or move files and index to where we do not look for them.
const ALWAYS: [(&str, &str); 13] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.splitIndex", "false"),
    ("core.sparseCheckout", "false"),
    ("core.sparseCheckoutCone", "false"),
    ("core.ignoreStat", "false"),
    // What has to be durable is synced by us, once, before an outcome is published.
    ("core.fsync", "none"),
    ("index.sparse", "false"),
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.addEmbeddedRepo", "false"),
];

/// Keys that decide what is committed; and what they are where nobody sets them.
const CONTENT: [(&str, &str); 5] = [
    ("core.autocrlf", "false"),
    ("core.eol", "native"),
    ("core.safecrlf", "false"),
    ("core.filemode", "true"),
    ("core.attributesfile", "/dev/null"),
];

/// A change of an agent's that is not followed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct RefusedChange {
    key: String,
    was: Vec<String>,
    is: Vec<String>,
}

/// Changes that are not followed, with what is in force instead.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Overrides {
    schema: u32,
    refused: Vec<RefusedChange>,
}

/// What a key can do when git reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeyPower {
    /// It runs a program on content, or chooses what content becomes.
    Content,
    /// It says whom to ask for objects, and with what.
    Transport,
    /// Nothing in the calls that we make.
    None,
}

fn power(key: &str) -> KeyPower {
    let starts = |starts: &[&str]| starts.iter().any(|start| key.starts_with(start));
    if driver(key).is_some()
        || CONTENT.iter().any(|(known, _)| *known == key)
        || key == "core.excludesfile"
        || starts(&["gpg.", "user.", "committer.", "author.", "commit.gpgsign"])
    {
        return KeyPower::Content;
    }
    let asks = ["remote.", "url.", "protocol.", "credential.", "http.", "ssh.", "fetch."];
    let core = ["core.sshcommand", "core.gitproxy", "core.askpass", "core.alternaterefscommand"];
    if starts(&asks) || core.contains(&key) || key == "extensions.partialclone" {
        return KeyPower::Transport;
    }
    KeyPower::None
}

/// Whether a key decides what is committed.
pub(crate) fn decides_content(key: &str) -> bool {
    power(key) == KeyPower::Content
}

pub(crate) fn driver(key: &str) -> Option<&str> {
    key.strip_prefix("filter.")?.rsplit_once('.').map(|(driver, _)| driver)
}

impl Overrides {
    /// Forgets what is so no more: another value than the agent's is a person's, and counts.
    pub(crate) fn still_so(mut self, now: &Config) -> Overrides {
        self.refused.retain(|refused| now.values(&refused.key) == refused.is);
        self
    }

    /// Refuses what an agent changed; true where that is new.
    pub(crate) fn refuse(&mut self, changes: &[ConfigChange]) -> bool {
        let before = self.refused.clone();
        for change in changes.iter().filter(|change| power(&change.key) != KeyPower::None) {
            let ConfigChange { key, was, is } = change.clone();
            let known = self.refused.iter_mut().find(|refused| refused.key == key);
            match known {
                Some(refused) => refused.is = is,
                None => self.refused.push(RefusedChange { key, was, is }),
            }
        }
        self.schema = 1;
        self.refused != before
    }

    /// The filter drivers that an agent changed: content that needs one of them is not committed by us.
    pub(crate) fn drivers(&self) -> Vec<&str> {
        self.refused.iter().filter_map(|refused| driver(&refused.key)).collect()
    }

    /// Whether git may fetch what a partial clone lacks: not where an agent changed whom it would ask.
    pub(crate) fn may_fetch(&self) -> bool {
        self.refused.iter().all(|refused| power(&refused.key) != KeyPower::Transport)
    }

    /// Keys and values for git's environment, where they come last and win.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> =
            ALWAYS.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        for refused in &self.refused {
            if power(&refused.key) != KeyPower::Content {
                continue;
            }
            let usual = CONTENT.iter().find(|(key, _)| *key == refused.key);
            let value = match (refused.was.last(), usual) {
                (Some(was), _) => was.clone(),
                (None, Some((_, usual))) => (*usual).to_owned(),
                (None, None) if refused.key == "core.excludesfile" => {
                    usual_excludes().to_string_lossy().into_owned()
                }
                // No program, no name: as if it were not there.
                (None, None) => String::new(),
            };
            pairs.push((refused.key.clone(), value));
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, was: &[&str], is: &[&str]) -> ConfigChange {
        let all = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        ConfigChange { key: key.into(), was: all(was), is: all(is) }
    }

    #[test]
    fn a_key_is_judged_by_what_it_can_do() {
        for (key, expected) in [
            ("filter.vault.clean", KeyPower::Content),
            ("filter.a.b.process", KeyPower::Content),
            ("core.autocrlf", KeyPower::Content),
            ("gpg.ssh.program", KeyPower::Content),
            ("gpg.program", KeyPower::Content),
            ("user.name", KeyPower::Content),
            ("remote.origin.url", KeyPower::Transport),
            ("core.sshcommand", KeyPower::Transport),
            ("alias.st", KeyPower::None),
            ("core.bare", KeyPower::None),
            ("branch.main.remote", KeyPower::None),
        ] {
            assert_eq!(power(key), expected, "{key}");
        }
    }

    #[test]
    fn what_an_agent_changed_has_no_say_until_a_person_changes_it() {
        let changes = [
            change("filter.x.clean", &[], &["evil"]),
            change("filter.y.clean", &["good"], &["evil"]),
            change("core.autocrlf", &[], &["true"]),
            change("alias.x", &[], &["!evil"]),
        ];
        let mut ours = Overrides::default();
        assert!(ours.refuse(&changes) && !ours.refuse(&changes));
        let pairs = ours.pairs();
        let value = |key: &str| {
            pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("filter.x.clean"), Some(""));
        assert_eq!(value("filter.y.clean"), Some("good"));
        assert_eq!(value("core.autocrlf"), Some("false"));
        assert_eq!(value("alias.x"), None);
        assert_eq!(ours.drivers(), ["x", "y"]);
        assert!(ours.may_fetch());
        // The settings that git would report now are the agent's no more.
        let later = ours.still_so(&Config::default());
        assert_eq!(later.drivers(), Vec::<&str>::new());
    }

    #[test]
    fn nobody_is_asked_for_objects_where_an_agent_said_whom() {
        let mut ours = Overrides::default();
        ours.refuse(&[change("remote.origin.url", &["a"], &["ext::b"])]);
        assert!(!ours.may_fetch());
    }
}
