//! Who takes part, how much goes wrong, and which rules of the protocol are in force.
//!
//! The default is the protocol as it is; a negative test takes one rule away.

/// The rules. Each says what its absence means.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Without: `link` that says `EEXIST` is believed.
    pub(crate) own_link_is_mine: bool,
    /// Without: a heart does not give back claims that its worker does not know of.
    pub(crate) hearts_disown: bool,
    /// Without: a heart does not stop what is not its own any more.
    pub(crate) hearts_drop: bool,
    /// Without: a refused rename is believed.
    pub(crate) look_for_own_destination: bool,
    /// Without: an agent starts in a tree that another process has locked.
    pub(crate) tree_lock: bool,
    /// Without: what an earlier attempt left running in a tree is not killed before the next one enters.
    pub(crate) enter_kills: bool,
    /// Without: a reclaimer does not kill first.
    pub(crate) reclaim_kills: bool,
    /// Without: only the process that declared a worker dead kills it, once, and the others wait for that.
    pub(crate) anyone_kills: bool,
    /// Without: a worker claims before it is registered.
    pub(crate) register_first: bool,
    /// Without: workers are listed first, claims second.
    pub(crate) claims_first: bool,
    /// Without: reclaiming removes the claim and leaves the name.
    pub(crate) reclaim_raises_epoch: bool,
    /// Without: giving back keeps the epoch.
    pub(crate) give_back_raises_epoch: bool,
    /// Without: `lost` is written before the rename.
    pub(crate) lost_after_winning: bool,
    /// Without: all deaths count, also those of earlier lives.
    pub(crate) deaths_of_this_life: bool,
    /// Without: retry forgets the deaths that are written down, and every other one counts.
    pub(crate) deaths_are_files: bool,
    /// Without: hold and priority move what is claimed, too.
    pub(crate) only_unclaimed: bool,
    /// Without: a heartbeat replaces the worker's file.
    pub(crate) one_inode: bool,
    /// Without: a dropped file is judged where it lies, and one rename makes it ready.
    pub(crate) two_renames: bool,
    /// Without (and in one rename): its record follows.
    pub(crate) record_first: bool,
    /// Without: a wrong file keeps its dropped name.
    pub(crate) rejected_by_id: bool,
    /// Without: why a task is blocked stands in a file beside it.
    pub(crate) reason_in_name: bool,
    /// Without: cancelling a name in `pending/` means whatever was taken in.
    pub(crate) compare_inode: bool,
    /// Without: a request means the task, whatever its life.
    pub(crate) request_for_a_run: bool,
    /// Without: the life is looked at only before the task is looked for.
    pub(crate) life_after_name: bool,
    /// Without: a request whose task is seen nowhere is given up.
    pub(crate) request_lasts: bool,
    /// Without: removing a request removes also one for a later life.
    pub(crate) request_named_by_run: bool,
    /// With: claims without a name are swept by a listing of `ready/` that is older than that of `claims/`.
    pub(crate) sweep_ready_first: bool,
}

impl Rules {
    /// The protocol.
    pub(crate) const ALL: Rules = Rules {
        own_link_is_mine: true,
        hearts_disown: true,
        hearts_drop: true,
        look_for_own_destination: true,
        tree_lock: true,
        enter_kills: true,
        reclaim_kills: true,
        anyone_kills: true,
        register_first: true,
        claims_first: true,
        reclaim_raises_epoch: true,
        give_back_raises_epoch: true,
        lost_after_winning: true,
        deaths_of_this_life: true,
        only_unclaimed: true,
        one_inode: true,
        two_renames: true,
        record_first: true,
        deaths_are_files: true,
        rejected_by_id: true,
        reason_in_name: true,
        compare_inode: true,
        request_for_a_run: true,
        life_after_name: true,
        request_lasts: true,
        request_named_by_run: true,
        sweep_ready_first: false,
    };
}

/// What a user may do, each as often as the budget of commands allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// Drops the next file under the one name, over whatever lies there.
    Drop,
    Cancel,
    /// Cancels what lies in `pending/`.
    CancelNamed,
    Retry,
    Hold,
    Release,
    Priority,
    /// `rm` in `ready/`.
    Remove,
    Retire,
}

/// One configuration: exhaustive within its budgets.
#[derive(Clone, Copy)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    pub(crate) rules: Rules,
    /// On which machine each worker, housekeeper and user is.
    pub(crate) workers: &'static [u8],
    pub(crate) hearts: bool,
    pub(crate) tenders: &'static [u8],
    pub(crate) users: u8,
    pub(crate) acts: &'static [Act],
    /// How many tasks, and of those how many are only files to be dropped; the last so many are wrong.
    pub(crate) tasks: u8,
    pub(crate) dropped: u8,
    pub(crate) wrong: u8,
    /// They are still being written when they are dropped.
    pub(crate) slow: bool,
    pub(crate) crashes: u8,
    pub(crate) tender_crashes: bool,
    pub(crate) suspicions: u8,
    pub(crate) lost_replies: u8,
    pub(crate) deleted_claims: u8,
    pub(crate) give_backs: u8,
    /// How often a task is given back because its tree is in use; after that its worker waits.
    pub(crate) busy: u8,
    pub(crate) commands: u8,
    pub(crate) max_deaths: u8,
    /// Attempts may also fail for good.
    pub(crate) failures: bool,
    /// A worker's or a housekeeper's listing may be as old as its process.
    pub(crate) old_listings: bool,
}

impl Config {
    /// Two workers and one housekeeper of one machine, one ready task, and nothing that goes wrong.
    pub(crate) const PLAIN: Config = Config {
        name: "plain",
        rules: Rules::ALL,
        workers: &[0, 0],
        hearts: false,
        tenders: &[0],
        users: 0,
        acts: &[],
        tasks: 1,
        dropped: 0,
        wrong: 0,
        slow: false,
        crashes: 0,
        tender_crashes: false,
        suspicions: 0,
        lost_replies: 0,
        deleted_claims: 0,
        give_backs: 0,
        busy: 1,
        commands: 0,
        max_deaths: 9,
        failures: false,
        old_listings: true,
    };

    pub(crate) fn heart(&self, worker: usize) -> usize {
        self.workers.len() + worker
    }

    pub(crate) fn housekeeper(&self, number: usize) -> usize {
        self.workers.len() * (1 + usize::from(self.hearts)) + number
    }

    pub(crate) fn user(&self, number: usize) -> usize {
        self.housekeeper(self.tenders.len()) + number
    }

    pub(crate) fn is_wrong(&self, task: u8) -> bool {
        task + self.wrong >= self.tasks
    }
}
