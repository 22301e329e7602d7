//! What most commands begin with: settings, queue, how to speak.

use super::args::Common;
use super::config::{self, Flags, Loaded};
use super::error::Failure;
use super::exit;
use super::ui::Ui;
use crate::domain::config::Config;
use crate::domain::id::TaskId;
use crate::queue::find::Found;
use crate::queue::journal::Journal;
use crate::queue::{Dir, Queue};
use crate::shape::paste::quoted;
use crate::sys::{env, fs};
use crate::worktree::Repo;

/// A command's surroundings.
pub(super) struct Context {
    pub(super) loaded: Loaded,
    pub(super) ui: Ui,
    pub(super) flags: Flags,
}

impl Context {
    /// With what only some commands let one set.
    pub(super) fn new(common: &Common, flags: Flags) -> Result<Context, Failure> {
        let flags = Flags { root: common.root.clone(), ..flags };
        let loaded = config::load_here(&flags)?;
        super::privacy::decide(&loaded.config);
        Ok(Context { loaded, ui: Ui::new(common.color), flags })
    }

    /// How to call a program of ours again on this root, for commands that are printed.
    pub(super) fn program(&self, name: &str) -> String {
        let root = &self.config().root;
        let here = env::current_dir().is_ok_and(|dir| dir.starts_with(root));
        let name = quoted(name);
        if here { name } else { format!("{name} --root {}", quoted(&root.to_string_lossy())) }
    }

    pub(super) fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// The queue as it is: for commands that only look.
    pub(super) fn queue(&self) -> Result<Queue, Failure> {
        let config = self.config();
        Ok(Queue::of_root(&config.root, config.durability)?)
    }

    /// The queue, made where it is missing; then git is kept from seeing it, if there is one.
    pub(super) fn queue_or_make(&self) -> Result<Queue, Failure> {
        let config = self.config();
        let opened = Queue::of_root_or_made(&config.root, config.durability)?;
        super::privacy::close(config);
        if let Some(original) = opened.copy_of {
            let original = original.display();
            self.ui.say(&format!(
                "this queue was a copy of {original} and is one of its own now; what waited there waits here, too"
            ));
        }
        // What a link leads to has another name in `info/exclude` than a directory.
        let linked = ["queue", ".swarmdir"].iter().any(|name| fs::is_link(&config.root.join(name)));
        if (opened.first || linked)
            && let Ok(repo) = Repo::discover(&config.root)
        {
            // `doctor` tells where that did not work.
            let _seen_by_git = super::setup::hide(&repo, &config.root);
        }
        Ok(opened.queue)
    }

    /// The one task that is meant.
    pub(super) fn task(&self, queue: &Queue, text: &str) -> Result<TaskId, Failure> {
        match queue.find(text)? {
            Found::One(id) => Ok(id),
            Found::Several(ids) => {
                let all: Vec<String> = ids.iter().take(8).map(|id| format!("  {id}")).collect();
                let message = format!("{text:?} means {} tasks:\n{}", ids.len(), all.join("\n"));
                Err(Failure::usage(message).hint("name one by its id or its tail"))
            }
            Found::None(alike) => Err(self.not_found(queue, text, &alike)),
        }
    }

    fn not_found(&self, queue: &Queue, text: &str, alike: &[TaskId]) -> Failure {
        let failure = Failure::new(exit::USAGE, format!("there is no task {text:?}"));
        if queue.dropped_as(text).unwrap_or(false) {
            let dir = queue.layout().dir(Dir::Pending);
            return failure.hint(format!(
                "it lies in {dir:?} and is not taken up yet: coordinator --agents 3"
            ));
        }
        match alike.first() {
            Some(id) => failure.hint(format!("did you mean {}-{}?", id.slug(), id.tail())),
            None => failure.hint("coordinator status --all"),
        }
    }

    /// The journal that commands share.
    pub(super) fn journal(&self, queue: &Queue) -> Result<Journal, Failure> {
        Ok(queue.journal("commands")?)
    }
}
