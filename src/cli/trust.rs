//! `trust`: the user says that what came with a clone (or what changed while an agent ran) is meant.
//!
//! The command shows what it trusts and what would run by it; calling it is the act. An agent's attempt may not.

use serde_json::{Value, json};

use super::args::{Common, Trust};
use super::config::{self, Flags, Loaded, Purpose};
use super::context::Context;
use super::error::CommandResult;
use super::exit;
use crate::commands::{self, Action, TrustItem};
use crate::domain::settings::config::Config;
use crate::domain::settings::programs::Executable;
use crate::domain::text::one_line;
use crate::domain::trust::TrustState;
use crate::site::{SETTINGS, Site};
use crate::trust::TrustRecord;

/// So much of a line is shown.
const SHOWN: usize = 200;

/// `trust`
pub(super) fn trust(common: &Common, wanted: &Trust) -> CommandResult {
    // Judged as it is in force now, then as it would be.
    let now = Context::loaded_for(common, Flags::default(), Purpose::Look);
    let standing = now.map(|now| now.loaded.standing).unwrap_or_default();
    let context = Context::loaded_for(common, Flags::default(), Purpose::Trust)?;
    if wanted.list {
        let records = commands::records(&context.config().root)?;
        return print_records(&context, &records, "trusted", wanted.json);
    }
    let permitted = context.permit(Action::Trust)?;
    let root = &context.config().root;
    if wanted.revoke {
        let revoked = commands::revoke(&permitted, root)?;
        return print_records(&context, &revoked, "revoked", wanted.json);
    }
    let named = config::named_files(&context.loaded).into_iter();
    let named = named.filter_map(|file| Some((file.path.clone(), file.why()?))).collect();
    let changed = matches!(standing, TrustState::AsBefore { .. });
    let trusted = commands::grant(&permitted, root, &Site::at(root).settings(), named, changed)?;
    show(&context, &trusted.items, trusted.change_accepted, wanted.json)
}

fn show(context: &Context, items: &[TrustItem], changed: bool, as_json: bool) -> CommandResult {
    let runs = runs(&context.loaded);
    if as_json {
        context.ui.print_json(&json!({
            "schema": 1,
            "root": context.config().root.display().to_string(),
            "trusted": items.iter().map(item_json).collect::<Vec<_>>(),
            "change_accepted": changed,
            "runs": runs,
        }))?;
        return Ok(exit::OK);
    }
    let root = context.config().root.display().to_string();
    if items.is_empty() && !changed {
        context.ui.print(&format!("nothing in {root} needs trust: what is there is your own\n"))?;
        return Ok(exit::OK);
    }
    let mut out = String::new();
    for item in items {
        let word = if item.trusted { "trusted already" } else { "trusted" };
        let place = one_line(&item.place.display().to_string(), 4096);
        out.push_str(&format!("{word}: {place} ({})\n", item.why));
    }
    if changed {
        out.push_str(&format!(
            "accepted: {SETTINGS} as it is now, though it changed while an agent ran\n"
        ));
    }
    for line in &runs {
        out.push_str(&format!("  {line}\n"));
    }
    context.ui.print(&out)?;
    context
        .ui
        .say("a coordinator that runs takes changed settings up when it is told to: kill -HUP");
    Ok(exit::OK)
}

fn item_json(item: &TrustItem) -> Value {
    json!({
        "place": item.place.display().to_string(),
        "sha256": item.sha256,
        "why": item.why.to_string(),
        "new": !item.trusted,
    })
}

/// What these settings run or steer, a line each.
fn runs(loaded: &Loaded) -> Vec<String> {
    let config: &Config = &loaded.config;
    let words = |argv: &[String]| one_line(&shell_words::join(argv), SHOWN);
    let mut lines = Vec::new();
    for (name, profile) in &config.profiles {
        let program = match profile.kind.executable() {
            Executable::Argv(argv) => words(argv),
            Executable::File(path) => path.display().to_string(),
            Executable::OnPath(name) => format!("{name}, as PATH finds it"),
            Executable::Ourselves => continue,
        };
        lines.push(format!("agent {}: {program}", one_line(name, 64)));
        let env: Vec<&str> = profile.env.keys().map(String::as_str).collect();
        if !env.is_empty() {
            lines.push(format!("  with {}", one_line(&env.join(", "), SHOWN)));
        }
    }
    if !config.setup.is_empty() {
        lines.push(format!("setup: {}", words(&config.setup)));
    }
    for (name, rig) in &config.rigs {
        lines.push(format!("repository {}: {}", one_line(name, 64), rig.path.display()));
        lines.extend(rig.setup.iter().map(|setup| format!("  setup: {}", words(setup))));
    }
    if config.trust_repository {
        lines.push("hooks and MCP servers of the repository may run".into());
    }
    lines
}

fn print_records(
    context: &Context,
    records: &[TrustRecord],
    word: &str,
    as_json: bool,
) -> CommandResult {
    if as_json {
        let root = context.config().root.display().to_string();
        context.ui.print_json(&json!({ "schema": 1, "root": root, word: records }))?;
        return Ok(exit::OK);
    }
    if records.is_empty() {
        context.ui.say("nothing is trusted here");
    }
    for record in records {
        let short = record.sha256.get(..12).unwrap_or(&record.sha256);
        let place = one_line(&record.place.display().to_string(), 4096);
        context.ui.print(&format!("{word}: {place} (sha256 {short}…)\n"))?;
    }
    Ok(exit::OK)
}
