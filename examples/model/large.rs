//! Configurations that are too large for a test run.

use crate::machine::rules::{Act, Config};

const COMMANDS: &[Act] =
    &[Act::Cancel, Act::Retry, Act::Hold, Act::Release, Act::Priority, Act::Remove];
const CANCELS: &[Act] = &[Act::Cancel, Act::Retry];
const P: Config = Config::PLAIN;
const FRESH: Config = Config { old_listings: false, ..P };

/// Explored by `scripts/model`.
pub(crate) const LARGE: &[Config] = &[
    Config {
        name: "two crashes, suspicion, a lost reply, two tenders",
        hearts: true,
        crashes: 2,
        tender_crashes: true,
        give_backs: 1,
        tenders: &[0, 0],
        suspicions: 1,
        lost_replies: 1,
        ..P
    },
    Config {
        name: "commands, a crash, hearts, old listings",
        hearts: true,
        crashes: 1,
        users: 1,
        commands: 2,
        acts: COMMANDS,
        ..P
    },
    Config {
        name: "cancel and retry of two",
        users: 2,
        commands: 3,
        acts: CANCELS,
        failures: true,
        ..FRESH
    },
    Config {
        name: "two machines, suspicion, hearts",
        workers: &[0, 1],
        tenders: &[0, 1],
        hearts: true,
        suspicions: 1,
        crashes: 1,
        ..FRESH
    },
    Config {
        name: "three workers, suspicion, two tenders",
        workers: &[0, 0, 0],
        tenders: &[0, 0],
        suspicions: 1,
        crashes: 1,
        ..FRESH
    },
    Config { name: "two tasks, a crash, suspicion", tasks: 2, crashes: 1, suspicions: 1, ..P },
    Config {
        name: "intake, three commands",
        workers: &[0],
        tenders: &[0, 0],
        tasks: 2,
        dropped: 2,
        wrong: 1,
        slow: true,
        users: 1,
        commands: 3,
        acts: &[Act::Drop, Act::CancelNamed, Act::Retry],
        crashes: 1,
        tender_crashes: true,
        ..P
    },
    Config {
        name: "deaths, retry, old listings",
        workers: &[0, 0, 0],
        crashes: 3,
        max_deaths: 2,
        users: 1,
        commands: 2,
        acts: CANCELS,
        failures: true,
        ..FRESH
    },
];
