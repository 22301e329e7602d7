//! `init`, completions and man pages.
//!
//! Invariant: `init` leaves settings that load, and may be repeated.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::args::{Common, Coordinator, Worker};
use super::config::{self, Flags};
use super::context::{Context, refuse_below_the_top};
use super::error::{CommandResult, Failure};
use super::exit;
use crate::agent::program;
use crate::commands;
use crate::domain::settings::programs::AgentKind;
use crate::git::{GitError, Repo};
use crate::site::{ROOT_MARKS, SETTINGS, Site};
use crate::sys::fs;

/// `init`
pub(super) fn init(common: &Common, dir: Option<&Path>) -> CommandResult {
    let named = dir.map(Path::to_owned).or_else(|| common.root.clone());
    let dir = named.clone().unwrap_or_else(|| PathBuf::from("."));
    if named.is_none() && !ROOT_MARKS.into_iter().any(|mark| fs::exists(&dir.join(mark))) {
        refuse_below_the_top(&fs::canonical(&dir)?)?;
    }
    fs::mkdirs_with_umask(&dir)?;
    let common = Common { root: Some(fs::canonical(&dir)?), ..common.clone() };
    let context = Context::new(&common, Flags::default())?;
    let root = context.config().root.clone();
    let settings = write_settings(&root)?;
    let hidden = Repo::discover(&root).map(|repo| commands::hide(&repo, &root));
    context.queue_or_make()?;
    fs::mkdirs(&Site::at(&root).state_dir())?;
    let ui = context.ui;
    ui.say(&format!("queue: {}", Site::at(&root).queue().display()));
    settings.iter().for_each(|line| ui.say(line));
    ui.say(&match hidden {
        Ok(Ok(added)) if added.is_empty() => "git ignores it already".to_owned(),
        Ok(Ok(_)) => {
            "hidden from git in .git/info/exclude, so that git clean and git stash -u leave it"
                .into()
        }
        Ok(Err(e)) => format!("git may see it: {e}"),
        Err(e) if !matches!(e, GitError::NotARepository { .. }) => {
            let hint = e.hint().map_or(String::new(), |hint| format!("; {hint}"));
            format!("the repository here cannot be used: {e}{hint}")
        }
        Err(e) => format!(
            "no repository here ({e}): name one in {SETTINGS}, or use agents with worktree = false"
        ),
    });
    ui.say("next: coordinator add -m \"what is to be done\"; coordinator --agents 3");
    Ok(exit::OK)
}

/// The commented example, with the default program's path where it is found. Returns what to say of it.
fn write_settings(root: &Path) -> Result<Vec<String>, Failure> {
    let path = Site::at(root).settings();
    let (program, said) = default_program();
    Ok(match config::write_new(root, &config::example(program.as_deref()))? {
        Some(_) => vec![said, format!("settings: {}", path.display())],
        None => vec![format!("kept: {}", path.display())],
    })
}

/// The default program's absolute path, where it can be written down, and what to say of it.
fn default_program() -> (Option<String>, String) {
    let kind = AgentKind::new(program::all()[0]);
    let found = match program::find(&kind) {
        Ok(found) => found,
        Err(e) => return (None, format!("{e} (coordinator doctor)")),
    };
    let (name, shown) = (kind.word(), found.display());
    match found.to_str() {
        Some(path) => (Some(path.to_owned()), format!("{name}: {shown}")),
        None => (None, format!("{name}: {shown}, left to PATH, as the path is not UTF-8")),
    }
}

/// `completions`
pub(super) fn completions(shell: clap_complete::Shell) -> CommandResult {
    let mut command = Coordinator::command();
    clap_complete::generate(shell, &mut command, "coordinator", &mut std::io::stdout());
    Ok(exit::OK)
}

/// `man`
pub(super) fn man(dir: &Path) -> CommandResult {
    fs::mkdirs_with_umask(dir)?;
    for command in [Coordinator::command(), Worker::command()] {
        for page in pages(command) {
            let mut bytes = Vec::new();
            page.render(&mut bytes)?;
            fs::write_with_umask(&dir.join(page.get_filename()), &bytes)?;
        }
    }
    Ok(exit::OK)
}

fn pages(mut command: clap::Command) -> Vec<clap_mangen::Man> {
    command.build();
    let name = command.get_name().to_owned();
    let subcommands = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let mut pages: Vec<clap_mangen::Man> = subcommands
        .map(|sub| {
            clap_mangen::Man::new(sub.clone().display_name(format!("{name}-{}", sub.get_name())))
        })
        .collect();
    pages.insert(0, clap_mangen::Man::new(command));
    pages
}
