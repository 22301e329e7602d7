//! The keys that a task and an `[agent.NAME]` share: model, effort, bounds and tools.

use crate::domain::settings::agents::AgentDefaults;
use crate::domain::settings::problem::Problem;
use crate::domain::task::spec::PermissionMode;

use super::fields::Fields;
use super::node::Node;
use super::suggest::one_of;
use super::{lists, value};

pub const AGENT_KEYS: [&str; 7] = [
    "model",
    "effort",
    "max_turns",
    "max_budget_usd",
    "allowed_tools",
    "disallowed_tools",
    "permission_mode",
];

/// More turns than any agent makes.
const TURNS_MAX: u32 = 1_000_000;

pub fn agent_defaults(fields: &mut Fields) -> AgentDefaults {
    AgentDefaults {
        model: fields.read("model", value::word),
        effort: fields.read("effort", value::word),
        max_turns: fields.read("max_turns", turns),
        max_budget_usd: fields.read("max_budget_usd", value::dollars),
        allowed_tools: fields.read_all("allowed_tools", lists::tools),
        disallowed_tools: fields.read_all("disallowed_tools", lists::tools),
        permission_mode: fields.read("permission_mode", permission_mode),
    }
}

fn turns(node: &Node) -> Result<u32, Problem> {
    let turns = value::count(node, 1, TURNS_MAX.into())?;
    Ok(u32::try_from(turns).expect("count keeps within the bounds"))
}

/// A mode that makes sense with nobody there to ask.
pub fn permission_mode(node: &Node) -> Result<PermissionMode, Problem> {
    let word = value::word(node)?;
    if let Some((_, mode)) = PermissionMode::ALL.iter().find(|(name, _)| *name == word) {
        return Ok(*mode);
    }
    let names = PermissionMode::ALL.map(|(name, _)| name);
    if ["default", "manual", "auto"].contains(&word.to_lowercase().as_str()) {
        let message = format!("`{word}` asks a person, and nobody is there to answer");
        return Err(Problem::new(message).hint(format!("it is one of {}", names.join(", "))));
    }
    let message =
        format!("`{}` is not a permission mode", crate::domain::text::one_line(&word, 60));
    Err(Problem::new(message).hint(one_of(&word, &names)))
}
