//! What most commands begin with: settings, queue, how to speak.

use std::path::Path;

use super::args::Common;
use super::config::{self, Flags, Loaded, Origin, Purpose};
use super::error::Failure;
use super::exit;
use super::ui::Ui;
use crate::commands::{self, Action, Actor, CommandError, Permitted};
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::domain::trust::TrustState;
use crate::git::Repo;
use crate::queue::Queue;
use crate::shape::paste::quoted;
use crate::site::Site;
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
        let waiting = commands::waiting(queue);
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
        if self
            .loaded
            .provenance
            .iter()
            .any(|set| set.key == "root" && set.origin == Origin::Default)
        {
            refuse_outside(&config.root)?;
            refuse_below_the_top(&config.root)?;
        }
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
            drop(commands::hide(&repo, &config.root));
        }
        Ok(opened.queue)
    }

    /// The one task that is meant.
    pub(super) fn task(&self, queue: &Queue, text: &str) -> Result<TaskId, Failure> {
        Ok(commands::find_task(queue, text)?)
    }

    /// The door of every act.
    pub(super) fn permit(&self, action: Action) -> Result<Permitted, Failure> {
        let actor = Actor::here(&self.config().root);
        Ok(commands::authorize(actor, action).map_err(CommandError::from)?)
    }
}

/// Outside of repositories only who asks for a queue gets one.
fn refuse_outside(dir: &Path) -> Result<(), Failure> {
    if dir.ancestors().any(|dir| fs::exists(&dir.join(".git"))) {
        return Ok(());
    }
    Err(Failure::usage(format!("{} has no queue, and is in no repository", dir.display()))
        .hint("cd to your repository; or for a queue here: coordinator init"))
}

/// Nobody gets a queue below the top of a repository because he happens to stand there.
pub(super) fn refuse_below_the_top(dir: &Path) -> Result<(), Failure> {
    let has_git = |dir: &&Path| fs::exists(&dir.join(".git"));
    let Some(top) = dir.ancestors().find(has_git).filter(|top| *top != dir) else { return Ok(()) };
    let wrong =
        format!("{} is inside the repository {}, which has no queue", dir.display(), top.display());
    let there = quoted(&top.to_string_lossy());
    Err(Failure::usage(wrong).hint(format!(
        "coordinator init {there}; for a queue of this directory's own: coordinator init ."
    )))
}
