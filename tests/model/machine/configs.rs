//! Who takes part and how much goes wrong in every test run.

use super::rules::{Act, Config};

const COMMANDS: &[Act] =
    &[Act::Cancel, Act::Retry, Act::Hold, Act::Release, Act::Priority, Act::Remove];
const CANCELS: &[Act] = &[Act::Cancel, Act::Retry];

const P: Config = Config::PLAIN;
/// Without listings of any age there are fewer states: for what they do not matter to.
const FRESH: Config = Config { old_listings: false, ..P };

/// Explored in every test run.
pub(crate) const SMALL: &[Config] = &[
    Config {
        name: "a crash, given back",
        hearts: true,
        crashes: 1,
        tender_crashes: true,
        give_backs: 1,
        ..P
    },
    Config { name: "suspicion", hearts: true, suspicions: 1, tenders: &[0, 0], ..P },
    Config { name: "a lost reply, suspicion", hearts: true, suspicions: 1, lost_replies: 1, ..P },
    Config {
        name: "a lost reply, a deleted claim",
        hearts: true,
        lost_replies: 1,
        deleted_claims: 1,
        ..P
    },
    Config { name: "a deleted claim, a crash", hearts: true, crashes: 1, deleted_claims: 1, ..P },
    Config { name: "commands, a crash", crashes: 1, users: 1, commands: 2, acts: CANCELS, ..FRESH },
    Config {
        name: "hold, priority, a crash",
        crashes: 1,
        users: 1,
        commands: 2,
        acts: &[Act::Hold, Act::Release, Act::Priority],
        ..FRESH
    },
    Config {
        name: "commands of two",
        workers: &[0],
        users: 2,
        commands: 2,
        acts: COMMANDS,
        ..FRESH
    },
    Config {
        name: "cancel, retry, failures",
        workers: &[0],
        users: 1,
        commands: 3,
        acts: CANCELS,
        failures: true,
        ..FRESH
    },
    Config {
        name: "cancel, a lost reply",
        workers: &[0],
        hearts: true,
        users: 1,
        commands: 2,
        acts: CANCELS,
        lost_replies: 1,
        ..FRESH
    },
    Config {
        name: "deaths, retry",
        workers: &[0, 0, 0],
        crashes: 3,
        max_deaths: 2,
        users: 1,
        commands: 1,
        acts: &[Act::Retry],
        ..FRESH
    },
    Config {
        name: "two machines, suspicion",
        workers: &[0, 1],
        tenders: &[0, 1],
        suspicions: 1,
        busy: 0,
        ..FRESH
    },
    Config { name: "two machines, a crash", tenders: &[0, 1], crashes: 1, ..P },
    Config {
        name: "intake, dropped again",
        workers: &[0],
        tenders: &[0, 0],
        tasks: 2,
        dropped: 2,
        wrong: 1,
        slow: true,
        users: 1,
        commands: 2,
        acts: &[Act::Drop, Act::CancelNamed],
        ..FRESH
    },
    Config {
        name: "intake, crashes, a lost reply",
        workers: &[0],
        tenders: &[0, 0],
        tasks: 1,
        dropped: 1,
        crashes: 2,
        tender_crashes: true,
        lost_replies: 1,
        ..FRESH
    },
    Config {
        name: "intake, rejected, retried",
        workers: &[0],
        tasks: 1,
        dropped: 1,
        wrong: 1,
        users: 1,
        commands: 1,
        acts: &[Act::Retry],
        crashes: 1,
        tender_crashes: true,
        ..FRESH
    },
    Config {
        name: "retire, a crash",
        hearts: true,
        crashes: 1,
        users: 1,
        commands: 2,
        acts: &[Act::Retire],
        ..P
    },
    Config { name: "two tasks, a crash", tasks: 2, crashes: 1, ..FRESH },
    Config { name: "three workers", workers: &[0, 0, 0], crashes: 1, ..FRESH },
];
