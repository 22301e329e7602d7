//! What `doctor` asks of claude: whether a log-in is there, and whether it would refuse the settings.

use std::path::{Path, PathBuf};

use super::settings::CONFIG_DIR;
use crate::agent::program::adapter::{Examined, ExaminedState};
use crate::domain::settings::agents::AgentProfile;
use crate::domain::task::spec::PermissionMode;
use crate::sys::{env, fs};

const KEYS: [&str; 3] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

pub(super) fn examine(profile: &AgentProfile) -> Vec<Examined> {
    let mut found = vec![login(profile.kind.path(CONFIG_DIR))];
    found.extend(bypass(profile));
    found
}

/// Only whether something is there: whether it is valid, the first call tells, and costs nothing when not.
fn login(config_dir: Option<&Path>) -> Examined {
    let good = |found| Examined { topic: "login", state: ExaminedState::Good, found, hint: "" };
    if let Some(key) = KEYS.iter().find(|key| env::var(key).is_some()) {
        return good(format!("{key} is set"));
    }
    let own = env::var("CLAUDE_CONFIG_DIR").map(PathBuf::from);
    let dir = config_dir.map(Path::to_owned).or(own);
    let dir = dir.or_else(|| Some(env::home()?.join(".claude")));
    let credentials = dir.map(|dir| dir.join(".credentials.json"));
    match credentials.filter(|path| fs::exists(path)) {
        Some(path) => good(path.display().to_string()),
        None => Examined {
            topic: "login",
            state: ExaminedState::Doubtful,
            found: "claude has no key and no stored log-in that can be seen here".into(),
            hint: "run `claude` once and log in, or set ANTHROPIC_API_KEY",
        },
    }
}

fn bypass(profile: &AgentProfile) -> Option<Examined> {
    let bypasses = profile.defaults.permission_mode == Some(PermissionMode::BypassPermissions);
    (bypasses && env::is_root() && env::var("IS_SANDBOX").is_none()).then(|| Examined {
        topic: "permissions",
        state: ExaminedState::Wrong,
        found: "claude refuses permission_mode bypassPermissions for root".into(),
        hint: "run as another user, or permission_mode = \"dontAsk\" with allowed_tools",
    })
}
