//! Where an attempt works: a git worktree, or a scratch directory.

use std::path::{Path, PathBuf};

use super::own_state::OwnState;
use crate::domain::outcome::disposition::Fault;
use crate::domain::settings::agents::AgentProfile;
use crate::domain::task::name::AttemptName;
use crate::domain::task::record::{CommitRecord, Origin};
use crate::git::{Fingerprint, GitError, Repo};
use crate::queue::claim::Claim;
use crate::queue::runs::AttemptFiles;
use crate::site;
use crate::sys::grace::Grace;
use crate::sys::{process, sweep};
use crate::worker::Worker;
use crate::worktree::{CollectOrder, Collected, Entered, Scratch, Tree, TreePool, TreeRequest};

/// The variable by which every process of a task's agents is known.
pub(super) const TASK_MARK: &str = "SWARMDIR_TASK";
/// The variable that says for which queue they work: a directory, whatever it is called.
pub(super) const QUEUE_MARK: &str = "SWARMDIR_QUEUE_INODE";
/// What an earlier attempt left running is given so long to be dead, milliseconds.
const PATIENCE_MS: u64 = 2_000;

/// A place to work in; must be left.
#[must_use = "a workplace must be left, so that others can use it"]
pub(super) enum Workplace {
    /// A worktree of the task's repository.
    Tree {
        /// The tree, locked.
        tree: Box<Tree>,
        /// The repository.
        repo: Repo,
        /// The user's checkout before the attempt.
        before: Box<Fingerprint>,
        /// The same of what swarmdir keeps beside the queue, and where.
        own: (PathBuf, OwnState),
    },
    /// A directory of the attempt's own.
    Scratch(Scratch),
}

/// Why there is no place; never the task's fault.
pub(super) struct NoPlace {
    pub(super) fault: Fault,
    pub(super) detail: String,
}

impl Left {
    /// What could not be committed for want of room.
    pub(super) fn uncommitted(no_room: Option<String>) -> Left {
        Left { no_room, ..Left::default() }
    }
}

/// What an attempt left behind.
#[derive(Default)]
pub(super) struct Left {
    pub(super) changed: Option<bool>,
    pub(super) head: Option<String>,
    pub(super) commits: Vec<CommitRecord>,
    pub(super) notes: Vec<String>,
    /// There was no room to commit it: it is in the tree only.
    pub(super) no_room: Option<String>,
    collected: Option<Collected>,
}

impl Worker {
    /// Finds (or makes) the place for a claimed task.
    pub(super) fn enter(
        &self,
        claim: &Claim,
        profile: &AgentProfile,
        origin: Option<&Origin>,
    ) -> Result<Workplace, NoPlace> {
        match origin {
            Some(origin) if profile.worktree => self.enter_tree(claim, origin),
            None if profile.worktree => Err(NoPlace {
                fault: Fault::Machine,
                detail:
                    "it was taken in for an agent without a worktree, so it has no base: cancel it and add it again"
                        .into(),
            }),
            _ => self.enter_scratch(claim.attempt()),
        }
    }

    fn enter_tree(&self, claim: &Claim, origin: &Origin) -> Result<Workplace, NoPlace> {
        let attempt = claim.attempt();
        let queue = &self.shared.queue;
        let repository = self.config.repository_of(origin);
        let repo = Repo::discover(&repository)?;
        let before = repo.fingerprint();
        let host = &self.shared.registration.card().process.host;
        let trees = TreePool::new(Repo::discover(&repository)?, self.config.trees.clone(), host);
        let entered = trees.enter(&TreeRequest {
            task: attempt.at.id.as_str(),
            token: &attempt.dir(),
            queue: queue.id(),
            branch: &origin.branch,
            branch_is_fixed: origin.branch_is_fixed,
            sync: queue.strict(),
            base_oid: &origin.base,
            intent: &queue.paths().run(&attempt.at.id).branch(),
            fresh: self.may_run_elsewhere(attempt),
        })?;
        match entered {
            Entered::Tree(tree) => {
                if tree.continued() {
                    end_earlier(attempt, queue.place())?;
                }
                let root = self.config.root.clone();
                let own = (root.clone(), OwnState::look(&root));
                Ok(Workplace::Tree { tree, repo, before: Box::new(before), own })
            }
            Entered::Busy { holder } => Err(NoPlace {
                fault: Fault::Machine,
                detail: format!("its tree is still in use by {holder}"),
            }),
        }
    }

    /// Whether an earlier attempt may still run where this machine cannot kill it: it never came to a result, and
    /// its process cannot be seen from here. Its tree and its branch are then left to it. (Whether somebody wrote
    /// down that it was lost says nothing: that note may have died with its writer.)
    fn may_run_elsewhere(&self, attempt: &AttemptName) -> bool {
        let attempts = self.shared.queue.attempts(&attempt.at.id).unwrap_or_default();
        let me = &self.shared.registration.card().process;
        let unfinished = |files: &&AttemptFiles| files.name != *attempt && files.result.is_none();
        let mut starts =
            attempts.iter().filter(unfinished).filter_map(|files| files.start.as_ref());
        starts.any(|start| match &start.process {
            Some(process) => process::out_of_reach(me, process),
            None => start.host != me.host,
        })
    }

    fn enter_scratch(&self, attempt: &AttemptName) -> Result<Workplace, NoPlace> {
        // One directory a worker, empty for each task: making one costs more than starting a process.
        let name = attempt.worker.short();
        Ok(Workplace::Scratch(Scratch::enter(&site::scratch_dir(&self.config), name)?))
    }
}

/// Ends what an earlier attempt on this machine left running: its worker died (or the tree would be locked),
/// but the task was moved on by somebody who could not kill here, or did not have to: from another machine,
/// by hold, priority or retry.
fn end_earlier(attempt: &AttemptName, queue: &str) -> Result<(), NoPlace> {
    // A copy of the queue has the same tasks, and what runs for the original is none of its business.
    let task = (TASK_MARK, attempt.at.id.as_str());
    let swept = sweep::marked_beside(task, (QUEUE_MARK, queue), &mut Grace::new(), PATIENCE_MS);
    if swept.left == 0 {
        return Ok(());
    }
    let detail = format!("{} processes of an earlier attempt would not die", swept.left);
    Err(NoPlace { fault: Fault::Machine, detail })
}

impl Workplace {
    /// The directory to work in.
    pub(super) fn path(&self) -> &Path {
        match self {
            Workplace::Tree { tree, .. } => tree.path(),
            Workplace::Scratch(scratch) => scratch.path(),
        }
    }

    pub(super) fn branch(&self) -> Option<&str> {
        match self {
            Workplace::Tree { tree, .. } => Some(tree.branch()),
            Workplace::Scratch(_) => None,
        }
    }

    /// Commits of an agent need an author; where the user configured none, it is us.
    pub(super) fn lacks_identity(&self) -> bool {
        match self {
            Workplace::Tree { tree, .. } => !tree.has_identity(),
            Workplace::Scratch(_) => false,
        }
    }

    pub(super) fn base(&self) -> Option<&str> {
        match self {
            Workplace::Tree { tree, .. } => Some(tree.base()),
            Workplace::Scratch(_) => None,
        }
    }

    pub(super) fn continued(&self) -> bool {
        match self {
            Workplace::Tree { tree, .. } => tree.continued(),
            Workplace::Scratch(_) => false,
        }
    }

    /// Commits so far, oldest first; none where that cannot be read: it is only told.
    pub(super) fn commits(&self) -> Vec<CommitRecord> {
        match self {
            Workplace::Tree { tree, .. } => tree.commits().unwrap_or_default(),
            Workplace::Scratch(_) => Vec::new(),
        }
    }

    /// Copies what `.worktreeinclude` names. Returns what people should know.
    pub(super) fn prepare(&mut self) -> Vec<String> {
        match self {
            Workplace::Tree { tree, .. } => {
                let mut notes = tree.notes().to_vec();
                if !tree.continued() {
                    match tree.include(&[]) {
                        Ok(included) => notes.extend(included.notes),
                        Err(e) => notes.push(format!(".worktreeinclude: {e}")),
                    }
                }
                notes
            }
            Workplace::Scratch(_) => Vec::new(),
        }
    }

    /// Commits what was left uncommitted, and looks whether the user's checkout was touched.
    pub(super) fn collect(
        &mut self,
        subject: &str,
        trailers: &[(&str, &str)],
    ) -> Result<Left, GitError> {
        let Workplace::Tree { tree, repo, before, own } = self else { return Ok(Left::default()) };
        let collected = tree.collect(&CollectOrder { message_subject: subject, trailers })?;
        let mut notes = collected.notes.clone();
        for change in Fingerprint::changes(before, &repo.fingerprint()) {
            notes.push(format!("the checkout changed during this attempt: {change}"));
        }
        for change in OwnState::changes(&own.1, &OwnState::look(&own.0)) {
            notes.push(format!("changed during this attempt: {change}"));
        }
        Ok(Left {
            changed: Some(collected.changed),
            head: Some(collected.head.clone()),
            commits: collected.commits.clone(),
            notes,
            no_room: None,
            collected: Some(collected),
        })
    }

    /// Makes the branch durable, before its outcome is published.
    pub(super) fn make_durable(&self, left: &Left) -> Result<(), GitError> {
        match (self, &left.collected) {
            (Workplace::Tree { tree, .. }, Some(collected)) => tree.make_durable(collected),
            _ => Ok(()),
        }
    }

    /// Gives the place back; `keep` for a task that goes on in it later.
    pub(super) fn leave(self, keep: bool) -> Result<(), GitError> {
        match self {
            Workplace::Tree { tree, .. } => tree.release(keep),
            Workplace::Scratch(scratch) => scratch.leave(),
        }
    }
}

impl From<GitError> for NoPlace {
    fn from(error: GitError) -> NoPlace {
        let fault = if error.disk_full() { Fault::Disk } else { Fault::Machine };
        NoPlace { fault, detail: error.to_string() }
    }
}
