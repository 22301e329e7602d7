//! The protocol without one of its rules: what breaks, and what was only there to save work.

use super::promises as p;
use super::rules::{Act, Config, Rules};

const P: Config = Config::PLAIN;
const FRESH: Config = Config { old_listings: false, ..P };
const CANCELS: &[Act] = &[Act::Cancel, Act::Retry];

/// The protocol without one of its rules, and the promise that then does not hold.
pub(crate) struct Variant {
    pub(crate) config: Config,
    pub(crate) breaks: &'static str,
}

macro_rules! without {
    ($name:literal, $breaks:expr, $base:ident { $($field:ident : $value:expr),* }, $($rule:ident),+) => {
        Variant {
            config: Config {
                name: $name,
                rules: Rules { $($rule: !Rules::ALL.$rule,)+ ..Rules::ALL },
                $($field: $value,)*
                ..$base
            },
            breaks: $breaks,
        }
    };
}

pub(crate) const STUCK: &str = "stuck";

/// Every one of them must fail, and just so.
pub(crate) const BROKEN: &[Variant] = &[
    without!(
        "the sweep lists ready/ first",
        p::ONE_ATTEMPT,
        FRESH { workers: &[0, 1], tenders: &[0, 1], give_backs: 1 },
        sweep_ready_first
    ),
    without!(
        "a rejected file keeps its name",
        p::ONE_NAME,
        FRESH {
            workers: &[0],
            tasks: 2,
            dropped: 2,
            wrong: 2,
            users: 1,
            commands: 2,
            acts: &[Act::Drop]
        },
        rejected_by_id
    ),
    without!(
        "intake in one rename, the record after",
        p::NO_RECORD,
        FRESH { tasks: 1, dropped: 1 },
        two_renames,
        record_first
    ),
    without!(
        "intake in one rename, dropped again",
        p::WRONG_FILE,
        FRESH { tasks: 2, dropped: 2, wrong: 1, users: 1, commands: 2, acts: &[Act::Drop] },
        two_renames
    ),
    without!(
        "the reason beside the name",
        p::HELD_RUNS,
        FRESH { crashes: 1, users: 1, commands: 1, acts: &[Act::Hold] },
        reason_in_name
    ),
    without!(
        "lost written before the rename",
        p::FALSE_DEATH,
        FRESH { crashes: 1, give_backs: 1 },
        lost_after_winning
    ),
    without!(
        "deaths of all lives count",
        p::EARLY,
        FRESH {
            workers: &[0, 0, 0],
            crashes: 2,
            max_deaths: 2,
            users: 1,
            commands: 1,
            acts: &[Act::Retry],
            failures: true
        },
        deaths_of_this_life
    ),
    without!(
        "retry resets a counter of deaths",
        p::EARLY,
        FRESH {
            workers: &[0, 0, 0],
            crashes: 2,
            max_deaths: 2,
            users: 1,
            commands: 1,
            acts: &[Act::Retry],
            failures: true
        },
        deaths_are_files
    ),
    without!(
        "cancel does not compare the file",
        p::OTHER_FILE,
        FRESH { tasks: 2, dropped: 2, users: 2, commands: 3, acts: &[Act::Drop, Act::CancelNamed] },
        compare_inode
    ),
    without!(
        "a request for whatever life",
        p::OTHER_LIFE,
        FRESH { users: 2, commands: 2, acts: CANCELS, failures: true },
        request_for_a_run
    ),
    without!(
        "the life looked at before the name",
        p::OTHER_LIFE,
        FRESH { users: 2, commands: 2, acts: CANCELS },
        life_after_name
    ),
    without!(
        "a request removed by the task's name",
        p::REQUEST_LASTS,
        FRESH { users: 2, commands: 3, acts: CANCELS },
        request_named_by_run
    ),
    without!(
        "a request given up",
        p::REQUEST_LASTS,
        FRESH { users: 1, commands: 1, acts: &[Act::Cancel], give_backs: 1 },
        request_lasts
    ),
    without!(
        "only the declarer kills",
        STUCK,
        FRESH { crashes: 2, tender_crashes: true },
        anyone_kills
    ),
    without!("no lock on trees", p::ONE_TREE, FRESH { deleted_claims: 1 }, tree_lock),
    without!(
        "no killing before a tree is entered",
        p::ONE_TREE,
        P { tenders: &[0, 1], crashes: 1 },
        enter_kills
    ),
    without!(
        "no killing before a reclaim",
        STUCK,
        FRESH { crashes: 1, max_deaths: 1 },
        reclaim_kills
    ),
    without!("no killing at all", p::ONE_TREE, FRESH { crashes: 1 }, reclaim_kills, enter_kills),
    without!(
        "no look at EEXIST, no heart that disowns",
        STUCK,
        FRESH { hearts: true, lost_replies: 1 },
        own_link_is_mine,
        hearts_disown
    ),
    without!("a claim before the registration", p::LIVING, FRESH {}, register_first),
    without!("workers listed before claims", p::LIVING, FRESH {}, claims_first),
    without!(
        "reclaim keeps the epoch",
        p::ONE_ATTEMPT,
        FRESH { workers: &[0, 1], tenders: &[1], suspicions: 1 },
        reclaim_raises_epoch
    ),
    without!(
        "a heartbeat that replaces its file",
        p::FOR_NOTHING,
        FRESH { hearts: true },
        one_inode
    ),
];

/// Rules that only save work: without each of them everything holds.
pub(crate) const SPARED: &[Config] = &[
    without!(
        "hearts stop nothing",
        "",
        FRESH {
            hearts: true,
            suspicions: 1,
            users: 1,
            commands: 1,
            acts: &[Act::Cancel, Act::Priority]
        },
        hearts_drop
    )
    .config,
    without!(
        "hearts disown nothing",
        "",
        FRESH { hearts: true, suspicions: 1, lost_replies: 1 },
        hearts_disown
    )
    .config,
    without!(
        "EEXIST is believed",
        "",
        FRESH { hearts: true, lost_replies: 1, crashes: 1 },
        own_link_is_mine
    )
    .config,
    without!(
        "a refused rename is believed",
        "",
        FRESH { hearts: true, lost_replies: 1, crashes: 1, give_backs: 1 },
        look_for_own_destination
    )
    .config,
    without!(
        "hold and priority move what is claimed",
        "",
        FRESH {
            crashes: 1,
            users: 1,
            commands: 2,
            acts: &[Act::Hold, Act::Release, Act::Priority]
        },
        only_unclaimed
    )
    .config,
    without!(
        "giving back keeps the epoch",
        "",
        FRESH { crashes: 1, give_backs: 2 },
        give_back_raises_epoch
    )
    .config,
];
