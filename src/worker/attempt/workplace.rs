//! Where an attempt works: a git worktree, or a scratch directory.

use std::path::{Path, PathBuf};

use super::not_started::NotStarted;
use super::own_state::OwnState;
use crate::domain::process::ProcessIdentity;
use crate::domain::task::name::AttemptName;
use crate::domain::task::record::{CommitRecord, Origin};
use crate::git::{Fingerprint, GitError, Repo};
use crate::queue::runs::AttemptFiles;
use crate::site;
use crate::sys::grace::Grace;
use crate::sys::{process, sweep};
use crate::worker::shared::WorkerContext;
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

/// What a plan has to know of a place.
pub(super) struct PlaceFacts {
    /// The directory to work in.
    pub(super) path: PathBuf,
    pub(super) branch: Option<String>,
    pub(super) base: Option<String>,
    /// An earlier attempt's tree goes on.
    pub(super) continued: bool,
    /// Commits of an agent need an author; where the user configured none, it is us.
    pub(super) lacks_identity: bool,
}

impl PlaceFacts {
    pub(super) fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
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
    /// It could not be committed for another reason: as well.
    pub(super) uncommitted: Option<String>,
    pub(super) collected: Option<Collected>,
}

/// Finds (or makes) the place for a claimed task.
pub(super) fn enter(
    context: &WorkerContext,
    attempt: &AttemptName,
    worktree: bool,
    origin: Option<&Origin>,
) -> Result<Workplace, NotStarted> {
    match origin {
        Some(origin) if worktree => enter_tree(context, attempt, origin),
        None if worktree => Err(NotStarted::machine(
            "it was taken in for an agent without a worktree, so it has no base: cancel it and add it again",
        )),
        _ => {
            // One directory a worker, empty for each task: making one costs more than starting a process.
            let name = attempt.worker.short();
            Ok(Workplace::Scratch(Scratch::enter(&site::scratch_dir(&context.config), name)?))
        }
    }
}

fn enter_tree(
    context: &WorkerContext,
    attempt: &AttemptName,
    origin: &Origin,
) -> Result<Workplace, NotStarted> {
    let (queue, config) = (&context.shared.queue, &context.config);
    let repository = config.repository_of(origin);
    let repo = Repo::discover(&repository)?;
    let before = repo.fingerprint();
    let me = &context.shared.registration.card().process;
    let trees = TreePool::new(Repo::discover(&repository)?, config.trees.clone(), &me.host);
    let attempts = queue.attempts(&attempt.at.id).unwrap_or_default();
    let entered = trees.enter(&TreeRequest {
        task: attempt.at.id.as_str(),
        token: &attempt.dir(),
        queue: queue.id(),
        branch: &origin.branch,
        branch_is_fixed: origin.branch_is_fixed,
        sync: queue.strict(),
        base_oid: &origin.base,
        intent: &queue.paths().run(&attempt.at.id).branch(),
        fresh: may_run_elsewhere(&attempts, attempt, &me.host, |process| {
            process::out_of_reach(me, process)
        }),
    })?;
    match entered {
        Entered::Tree(tree) => {
            if tree.continued() {
                end_earlier(attempt, queue.place())?;
            }
            let root = config.root.clone();
            let own = (root.clone(), OwnState::look(&root));
            Ok(Workplace::Tree { tree, repo, before: Box::new(before), own })
        }
        Entered::Busy { holder } => {
            Err(NotStarted::machine(format!("its tree is still in use by {holder}")))
        }
    }
}

/// Whether an earlier attempt may still run where this machine cannot kill it: it never came to a result, and its process
/// cannot be seen from here. Its tree and its branch are then left to it. (Whether somebody wrote down that it was lost
/// says nothing: that note may have been lost with its writer.)
fn may_run_elsewhere(
    attempts: &[AttemptFiles],
    this: &AttemptName,
    host: &str,
    out_of_reach: impl Fn(&ProcessIdentity) -> bool,
) -> bool {
    let unfinished = attempts.iter().filter(|files| files.name != *this && files.result.is_none());
    unfinished.filter_map(|files| files.start.as_ref()).any(|start| match &start.process {
        Some(process) => out_of_reach(process),
        None => start.host != host,
    })
}

/// Ends what an earlier attempt on this machine left running: its worker died (or the tree would be locked),
/// but the task was moved on by somebody who could not kill here, or did not have to: from another machine,
/// by hold, priority or retry.
fn end_earlier(attempt: &AttemptName, queue: &str) -> Result<(), NotStarted> {
    // A copy of the queue has the same tasks, and what runs for the original is none of its business.
    let task = (TASK_MARK, attempt.at.id.as_str());
    let swept = sweep::marked_beside(task, (QUEUE_MARK, queue), &mut Grace::new(), PATIENCE_MS);
    if swept.left == 0 {
        return Ok(());
    }
    let left = swept.left;
    Err(NotStarted::machine(format!("{left} processes of an earlier attempt would not end")))
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

    /// What a plan has to know of it.
    pub(super) fn facts(&self) -> PlaceFacts {
        let path = self.path().to_owned();
        match self {
            Workplace::Tree { tree, .. } => PlaceFacts {
                path,
                branch: self.branch().map(str::to_owned),
                base: Some(tree.base().to_owned()),
                continued: tree.continued(),
                lacks_identity: !tree.has_identity(),
            },
            Workplace::Scratch(_) => PlaceFacts {
                path,
                branch: None,
                base: None,
                continued: false,
                lacks_identity: false,
            },
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
            uncommitted: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::task::record::{AttemptResult, AttemptStart};
    use crate::domain::time::UnixMs;

    const HERE: &str = "here";

    fn attempt(epoch: u32, host: &str, pid: Option<i32>, ended: bool) -> AttemptFiles {
        let worker = "0".repeat(32);
        let name = format!("20261120T113012123-fix-k3f9.{epoch}.{worker}");
        let name = AttemptName::parse(&name).unwrap();
        let process = pid.map(|pid| ProcessIdentity { pid, ..crate::sys::identity::me() });
        let start = AttemptStart {
            schema: 1,
            worker: name.worker.clone(),
            host: host.into(),
            process,
            agent: "sh".into(),
            program: None,
            started_at: UnixMs(0),
            cwd: "/".into(),
            branch: None,
            base: None,
            session: None,
            continued: false,
        };
        let result = ended.then(AttemptResult::default);
        AttemptFiles { name, start: Some(start), result, lost: None }
    }

    #[test]
    fn a_tree_is_left_to_an_attempt_that_may_run_where_nobody_here_can_end_it() {
        let this = attempt(3, HERE, Some(3), false);
        let away = |process: &ProcessIdentity| process.pid == 9;
        let cases: [(AttemptFiles, bool, &str); 6] = [
            (attempt(2, HERE, Some(1), false), false, "its process can be ended here"),
            (attempt(2, HERE, Some(9), false), true, "its process cannot be seen from here"),
            (attempt(2, HERE, Some(9), true), false, "it came to a result"),
            (attempt(2, "there", None, false), true, "nothing is known of it but its host"),
            (attempt(2, HERE, None, false), false, "this host"),
            (attempt(3, HERE, Some(9), false), false, "it is this very attempt"),
        ];
        for (earlier, elsewhere, case) in cases {
            let all = [earlier, this.clone()];
            assert_eq!(may_run_elsewhere(&all, &this.name, HERE, away), elsewhere, "{case}");
        }
    }
}
