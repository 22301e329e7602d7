//! What most commands begin with: settings, queue, how to speak.

use super::args::Common;
use super::config::{self, Flags, Loaded, Purpose};
use super::error::Failure;
use super::exit;
use super::ui::Ui;
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::domain::trust::TrustState;
use crate::git::Repo;
use crate::queue::Queue;
use crate::queue::find::FoundTask;
use crate::queue::journal::Journal;
use crate::shape::paste::quoted;
use crate::site::{Dir, Site};
use crate::sys::{env, fs};
use crate::trust::brought_by_clone;

/// A command's surroundings.
pub(super) struct Context {
    pub(super) loaded: Loaded,
    pub(super) ui: Ui,
    pub(super) flags: Flags,
}

impl Context {
    /// With what only some commands let one set. Settings that are not trusted are not used, and it is said.
    pub(super) fn new(common: &Common, flags: Flags) -> Result<Context, Failure> {
        let context = Context::loaded_for(common, flags, Purpose::Look)?;
        context.say_standing();
        Ok(context)
    }

    /// For what runs agents: settings that are not trusted refuse it.
    pub(super) fn to_run(
        common: &Common,
        flags: Flags,
        purpose: Purpose,
    ) -> Result<Context, Failure> {
        let context = Context::loaded_for(common, flags, purpose)?;
        let standing = &context.loaded.standing;
        if let TrustState::Untrusted { .. } = standing {
            let failure = Failure::new(exit::UNTRUSTED, standing.to_string());
            return Err(failure.hint(context.mend()));
        }
        let queue = Site::at(&context.config().root).queue();
        if let Some((path, why)) = brought_by_clone(&queue) {
            let message = format!(
                "{path:?} came with a clone: the state of a queue is nobody's but its own user's: {why}"
            );
            return Err(Failure::new(exit::UNTRUSTED, message).hint(
                "look at it; then move the queue away, or, to keep it: git rm -r --cached queue",
            ));
        }
        context.say_standing();
        Ok(context)
    }

    /// With what is in force for a purpose.
    pub(super) fn loaded_for(
        common: &Common,
        flags: Flags,
        purpose: Purpose,
    ) -> Result<Context, Failure> {
        let flags = Flags { root: common.root.clone(), ..flags };
        let loaded = config::load_here(&flags, purpose)?;
        super::privacy::decide(&loaded.config);
        Ok(Context { loaded, ui: Ui::new(common.color), flags })
    }

    fn say_standing(&self) {
        if self.loaded.standing != TrustState::InForce {
            self.ui.say(&format!("note: {}", self.loaded.standing));
            self.ui.say(&format!("hint: {}", self.mend()));
        }
    }

    /// Whether task files wait until the user trusts them; then it is said.
    pub(super) fn tasks_wait_for_trust(&self, queue: &Queue) -> bool {
        let waiting = super::trust::waiting(queue);
        if let Some(first) = waiting.first() {
            let more = waiting.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            self.ui.say(&format!(
                "{first:?}{more} in queue/pending came with a clone: not taken in before it is trusted"
            ));
            self.ui.say(&format!("hint: {}", self.mend()));
        }
        !waiting.is_empty()
    }

    /// How what is not trusted becomes so.
    pub(super) fn mend(&self) -> String {
        format!("read it, then: {} trust", self.program("coordinator"))
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
        let site = Site::at(&config.root);
        let linked = [site.queue(), site.state_dir()].iter().any(|dir| fs::is_link(dir));
        if (opened.first || linked)
            && let Ok(repo) = Repo::discover(&config.root)
        {
            // `doctor` tells where that did not work.
            // Git shows the directory where it cannot be hidden.
            drop(super::setup::hide(&repo, &config.root));
        }
        Ok(opened.queue)
    }

    /// The one task that is meant.
    pub(super) fn task(&self, queue: &Queue, text: &str) -> Result<TaskId, Failure> {
        match queue.find(text)? {
            FoundTask::One(id) => Ok(id),
            FoundTask::Several(ids) => {
                let all: Vec<String> = ids.iter().take(8).map(|id| format!("  {id}")).collect();
                let message = format!("{text:?} means {} tasks:\n{}", ids.len(), all.join("\n"));
                Err(Failure::usage(message).hint("name one by its id or its tail"))
            }
            FoundTask::None(alike) => Err(self.not_found(queue, text, &alike)),
        }
    }

    fn not_found(&self, queue: &Queue, text: &str, alike: &[TaskId]) -> Failure {
        let failure = Failure::new(exit::USAGE, format!("there is no task {text:?}"));
        if queue.dropped_as(text).unwrap_or(false) {
            let dir = queue.paths().dir(Dir::Pending);
            return failure.hint(format!(
                "it lies in {dir:?} and is not taken in yet: coordinator --agents 3"
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
