//! Questions to the git program about a repository that may be a stranger's: it may read, and start nothing.
//!
//! The repository's own configuration is obeyed by git, so every key that could start a program for the few plumbing
//! commands asked here is overridden; nothing is fetched, no lock is taken, nobody is asked for a password. Invariant: a
//! question that cannot be answered in time is an error, never an answer.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::sys::env;
use crate::sys::helper::{self, Helper};
use crate::sys::spawn::Exit;

/// No question takes longer, milliseconds: a history of millions of commits is walked in less.
const PATIENCE_MS: u64 = 60_000;

/// Overrides for whatever the repository configures.
const OVERRIDES: [&str; 8] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.pager=cat",
    "core.sshCommand=false",
    "log.showSignature=false",
    "protocol.allow=never",
    // Whose the repository is has been judged, or is about to be: here it is only read.
    "safe.directory=*",
];

/// What of git's own variables is kept: where the user's settings lie.
const KEPT: [&str; 3] = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];

const SET: [(&str, &str); 8] = [
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "false"),
    ("GIT_PAGER", "cat"),
    ("LC_ALL", "C"),
];

/// What git prints in this directory; an error where it fails.
pub(super) fn ask(dir: &Path, args: &[&OsStr]) -> Result<Vec<u8>, String> {
    let mut all: Vec<OsString> = Vec::new();
    for setting in OVERRIDES {
        all.extend(["-c".into(), setting.into()]);
    }
    all.extend(args.iter().map(|arg| (*arg).to_owned()));
    let own = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with("GIT_"));
    let kept = |name: &OsStr| KEPT.iter().any(|known| name == *known);
    let mut env = env::all();
    env.retain(|(name, _)| !own(name) || kept(name));
    env.extend(SET.map(|(name, value)| (name.into(), value.into())));
    run(dir, &all, env)
}

/// The user's and the system's own `safe.directory`, as git itself reads them: never a repository's.
pub(super) fn safe_directories() -> Vec<PathBuf> {
    let args = ["config", "--show-scope", "-z", "--type=path", "--get-all", "safe.directory"];
    let args = args.map(OsString::from);
    let env = env::all()
        .into_iter()
        .filter(|(name, _)| !matches!(name.to_str(), Some("GIT_DIR" | "GIT_COMMON_DIR")))
        .chain([("GIT_CEILING_DIRECTORIES".into(), "/".into())])
        .collect();
    // An exit code of 1 means that there is none.
    let text = run(Path::new("/"), &args, env).unwrap_or_default();
    let mut fields = text.split(|byte| *byte == 0);
    let mut admitted: Vec<PathBuf> = Vec::new();
    while let (Some(scope), Some(value)) = (fields.next(), fields.next()) {
        if matches!(scope, b"local" | b"worktree") {
            continue;
        }
        match value {
            // As for git, an empty value forgets those before it.
            b"" => admitted.clear(),
            value => admitted.push(path_of(value)),
        }
    }
    admitted
}

fn run(dir: &Path, args: &[OsString], env: Vec<(OsString, OsString)>) -> Result<Vec<u8>, String> {
    let program = env::find_program("git").ok_or("there is no git on PATH")?;
    let question =
        Helper { program: &program, args, env: &env, cwd: dir, stdin: b"", limit_ms: PATIENCE_MS };
    let answer = helper::run(&question).map_err(|e| format!("{}: {e}", program.display()))?;
    let doing = || {
        let word = args.iter().find(|arg| !is_setting(arg)).map(|arg| arg.to_string_lossy());
        word.unwrap_or_default().into_owned()
    };
    match answer.exit {
        _ if answer.late => Err(format!("git {} took too long", doing())),
        Some(Exit::Code(0)) => Ok(answer.stdout),
        Some(exit) => Err(format!("git {} ended with {exit}", doing())),
        None => Err(format!("the end of git {} was not seen", doing())),
    }
}

fn is_setting(arg: &OsStr) -> bool {
    arg == "-c" || arg.to_str().is_some_and(|arg| arg.contains('='))
}

/// A path that git printed.
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
