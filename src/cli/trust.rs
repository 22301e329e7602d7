//! `trust`: the user says that what came with a clone (or what changed while an agent ran) is meant.
//!
//! The command shows what it trusts and what would run by it; calling it is the act. An agent's attempt may not.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::{Common, Trust};
use super::config::{self, Flags, Loaded, Purpose};
use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use crate::domain::settings::agents::AgentKind;
use crate::domain::settings::choice::Durability;
use crate::domain::settings::config::Config;
use crate::domain::text::one_line;
use crate::domain::trust::{Origin, TrustState, Why};
use crate::queue::Queue;
use crate::queue::pending::is_private;
use crate::site::{Dir, SETTINGS, Site};
use crate::sys::fs;
use crate::trust::{
    ClonedTask, SettingsInForce, TaskOrigins, TrustRecord, TrustStore, TrustStoreError,
    attempt_above, digest, origin_of,
};

/// So much of a line is shown.
const SHOWN: usize = 200;

/// What may be trusted: a place, a content, and why it needs it.
struct Item {
    place: PathBuf,
    sha256: String,
    why: Why,
    trusted: bool,
}

/// `trust`
pub(super) fn trust(common: &Common, wanted: &Trust) -> CommandResult {
    // Judged as it is in force now, then as it would be.
    let now = Context::loaded_for(common, Flags::default(), Purpose::Look);
    let standing = now.map(|now| now.loaded.standing).unwrap_or_default();
    let context = Context::loaded_for(common, Flags::default(), Purpose::Trust)?;
    if wanted.list {
        return list(&context, wanted.json);
    }
    refuse_agents(&context)?;
    if wanted.revoke {
        return revoke(&context, wanted.json);
    }
    let items = items(&context)?;
    let store = TrustStore::here();
    for item in items.iter().filter(|item| !item.trusted) {
        store.grant(&item.place, &item.sha256)?;
    }
    let force = SettingsInForce::of(&context.config().root);
    let changed = matches!(standing, TrustState::AsBefore { .. });
    if changed
        || force.last().is_some()
        || items.iter().any(|item| item.place == settings(&context))
    {
        let content = fs::read_if_any(&settings(&context))?;
        force.keep(content.as_deref())?;
    }
    show(&context, &items, changed, wanted.json);
    Ok(exit::OK)
}

fn settings(context: &Context) -> PathBuf {
    Site::at(&context.config().root).settings()
}

/// The files that came with a clone: the settings, what they name, and tasks that wait.
fn items(context: &Context) -> Result<Vec<Item>, Failure> {
    let store = TrustStore::here();
    let item = |place: PathBuf, why| -> Result<Item, Failure> {
        let sha256 = digest(&fs::read(&place)?);
        let trusted = store.holds(&place, &sha256);
        Ok(Item { place, sha256, why, trusted })
    };
    let mut items = Vec::new();
    let file = settings(context);
    if fs::exists(&file)
        && let Origin::CameWithClone(why) = origin_of(&file)
    {
        items.push(item(file, why)?);
    }
    for named in config::named_files(&context.loaded) {
        if let Some(why) = named.why() {
            items.push(item(named.path, why)?);
        }
    }
    for ClonedTask { place, sha256, why, .. } in tasks(context) {
        let trusted = store.holds(&place, &sha256);
        items.push(Item { place, sha256, why, trusted });
    }
    Ok(items)
}

/// Task files that came with a clone.
fn tasks(context: &Context) -> Vec<ClonedTask> {
    let pending = Site::at(&context.config().root).queue_paths().dir(Dir::Pending);
    TaskOrigins::default().foreign(&pending, &names_in(&pending))
}

/// Task files in a queue that wait for trust, by name.
pub(super) fn waiting(queue: &Queue) -> Vec<String> {
    waiting_in(&queue.paths().dir(Dir::Pending))
}

/// The same for a drop zone.
pub(super) fn waiting_in(pending: &Path) -> Vec<String> {
    let untrusted = TaskOrigins::default().untrusted(pending, &names_in(pending));
    untrusted.iter().map(|task| task.name.to_string_lossy().into_owned()).collect()
}

/// What would be taken in.
fn names_in(pending: &Path) -> Vec<OsString> {
    let mut names = fs::list_if_any(pending).unwrap_or_default();
    names.retain(|name| !is_private(name));
    names.sort();
    names
}

/// An agent could otherwise say that its own changes are meant.
fn refuse_agents(context: &Context) -> Result<(), Failure> {
    let queue = Queue::open(&Site::at(&context.config().root).queue(), Durability::Relaxed);
    let workers = queue.and_then(|queue| queue.workers()).unwrap_or_default();
    let workers: Vec<_> = workers.into_iter().map(|(card, _)| card.process).collect();
    match attempt_above(&workers) {
        None => Ok(()),
        Some(pid) => Err(Failure::new(
            exit::UNTRUSTED,
            format!(
                "this runs below an agent's attempt (process {pid}), and only its user may trust"
            ),
        )
        .hint("in a shell of your own: coordinator trust")),
    }
}

fn show(context: &Context, items: &[Item], changed: bool, as_json: bool) {
    let runs = runs(&context.loaded);
    if as_json {
        context.ui.print_json(&json!({
            "schema": 1,
            "root": context.config().root,
            "trusted": items.iter().map(item_json).collect::<Vec<_>>(),
            "change_accepted": changed,
            "runs": runs,
        }));
        return;
    }
    let root = context.config().root.display().to_string();
    if items.is_empty() && !changed {
        context.ui.print(&format!("nothing in {root} needs trust: what is there is your own\n"));
        return;
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
    context.ui.print(&out);
    context
        .ui
        .say("a coordinator that runs takes changed settings up when it is told to: kill -HUP");
}

fn item_json(item: &Item) -> Value {
    json!({
        "place": item.place,
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
        let program = match &profile.kind {
            AgentKind::Command { argv } => words(argv),
            AgentKind::Claude { program, .. } => program.as_ref().map_or_else(
                || "claude, as PATH finds it".into(),
                |path| path.display().to_string(),
            ),
            AgentKind::Demo => continue,
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

fn list(context: &Context, as_json: bool) -> CommandResult {
    let records = TrustStore::here().list(&context.config().root)?;
    print_records(context, &records, "trusted", as_json);
    Ok(exit::OK)
}

fn revoke(context: &Context, as_json: bool) -> CommandResult {
    let root = &context.config().root;
    let store = TrustStore::here();
    let records = store.list(root)?;
    for record in &records {
        store.revoke(record)?;
    }
    if !records.is_empty() {
        // What was in force by it is not to stay so.
        SettingsInForce::of(root).keep(None)?;
    }
    print_records(context, &records, "revoked", as_json);
    Ok(exit::OK)
}

fn print_records(context: &Context, records: &[TrustRecord], word: &str, as_json: bool) {
    if as_json {
        let root = &context.config().root;
        context.ui.print_json(&json!({ "schema": 1, "root": root, word: records }));
        return;
    }
    if records.is_empty() {
        context.ui.say("nothing is trusted here");
    }
    for record in records {
        let short = record.sha256.get(..12).unwrap_or(&record.sha256);
        let place = one_line(&record.place.display().to_string(), 4096);
        context.ui.print(&format!("{word}: {place} (sha256 {short}…)\n"));
    }
}

impl From<TrustStoreError> for Failure {
    fn from(e: TrustStoreError) -> Failure {
        let hint = match &e {
            TrustStoreError::NoPlace => "set HOME, then: coordinator trust".to_owned(),
            TrustStoreError::Exposed { dir } => {
                format!("chmod 700 it, as its owner: {}", dir.display())
            }
            TrustStoreError::Fs(_) => "coordinator doctor".to_owned(),
        };
        Failure::new(exit::MISSING, e.to_string()).hint(hint)
    }
}
