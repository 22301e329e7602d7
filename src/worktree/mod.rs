//! Worktrees: a branch and a directory for each task, and nothing lost of what was made in it.
//!
//! A [`Repo`](crate::git::Repo) is a user's repository; its [`TreePool`] is the numbered trees beside it, re-used from task
//! to task; a [`Tree`] is one of them while somebody works in it. It knows git and the file system; it
//! does not know the queue's layout, heartbeats, or what an agent is.
//!
//! **Where trees live.** By default in `<checkout>.swarmdir/`, *beside* the repository: nothing of the
//! checkout (notes for agents, node_modules, .cargo) lies above a tree, so nothing of it leaks in by
//! accident, and whatever lies above the checkout applies to the trees alike. It is the same file system,
//! and no `git clean` in the checkout reaches it.
//!
//! **Re-use.** A released tree keeps its files, also the ignored ones (build caches), and the next task
//! switches it by writing only what differs.
//!
//! Invariants: the user's checkout, index, HEAD, stash, hooks and configuration are only read; no branch
//! but the task's own is moved; a tree is touched only under its lock; nothing is removed that is neither
//! committed nor ignored; creating a name never replaces one.
//!
//! Names: `domain`, `git`, `sys`.

mod branch;
mod collect;
mod fill;
mod filters;
mod forget;
mod free;
mod heads;
mod holder;
mod identity;
mod include;
mod inventory;
mod leftover;
mod make;
mod order;
mod pool;
mod remove;
mod restore;
mod salvaged;
mod scratch;
mod settings;
mod stage;
mod state;
mod survey;
mod tree;

pub use collect::{CollectOrder, Collected};
pub use holder::{Holder, TreePhase};
pub use include::Included;
pub use inventory::{ListedTree, OurBranch, size};
pub use order::{RemovalRefusal, Removed, TreeRequest, Vacated};
pub use pool::{Entered, TreePool};
pub use remove::Removal;
pub use restore::Restored;
pub use salvaged::{FoundSalvage, Salvage};
pub use scratch::Scratch;
pub use tree::Tree;
