//! The protocol's model: explored in full, broken on purpose, and compared with the program step by step.

mod machine;

use machine::explore::explore;
use machine::rules::Config;

#[test]
fn first() {
    use machine::rules::{Act, Rules};
    let configs = [
        Config { name: "plain", ..Config::PLAIN },
        Config {
            name: "crash",
            hearts: true,
            crashes: 1,
            tender_crashes: true,
            give_backs: 1,
            ..Config::PLAIN
        },
        Config { name: "susp", hearts: true, suspicions: 1, tenders: &[0, 0], ..Config::PLAIN },
        Config { name: "lost", hearts: true, suspicions: 1, lost_replies: 1, ..Config::PLAIN },
        Config { name: "delete", hearts: true, crashes: 1, deleted_claims: 1, ..Config::PLAIN },
        Config {
            name: "users-crash",
            hearts: true,
            crashes: 1,
            users: 1,
            commands: 2,
            acts: &[Act::Cancel, Act::Retry, Act::Hold, Act::Release, Act::Priority, Act::Remove],
            ..Config::PLAIN
        },
        Config {
            name: "cancel",
            users: 2,
            commands: 3,
            acts: &[Act::Cancel, Act::Retry],
            failures: true,
            old_listings: false,
            ..Config::PLAIN
        },
        Config {
            name: "cancel-old-code",
            rules: Rules { life_after_name: false, ..Rules::ALL },
            users: 2,
            commands: 3,
            acts: &[Act::Cancel, Act::Retry],
            failures: true,
            old_listings: false,
            ..Config::PLAIN
        },
        Config {
            name: "cancel-old-code2",
            rules: Rules { wish_named_by_life: false, ..Rules::ALL },
            users: 2,
            commands: 4,
            acts: &[Act::Cancel, Act::Retry],
            failures: true,
            old_listings: false,
            ..Config::PLAIN
        },
        Config {
            name: "deaths",
            crashes: 2,
            workers: &[0, 0, 0],
            max_deaths: 2,
            users: 1,
            commands: 1,
            acts: &[Act::Cancel, Act::Retry],
            failures: true,
            old_listings: false,
            ..Config::PLAIN
        },
        Config {
            name: "two machines",
            workers: &[0, 1],
            tenders: &[0, 1],
            hearts: true,
            crashes: 1,
            suspicions: 1,
            ..Config::PLAIN
        },
        Config {
            name: "two machines, 3 w",
            workers: &[0, 0],
            tenders: &[0, 1],
            crashes: 1,
            suspicions: 1,
            ..Config::PLAIN
        },
        Config {
            name: "no enter kill",
            workers: &[0, 0],
            tenders: &[0, 1],
            crashes: 1,
            suspicions: 0,
            rules: Rules { enter_kills: false, ..Rules::ALL },
            ..Config::PLAIN
        },
        Config {
            name: "no enter kill 1",
            workers: &[0, 0],
            crashes: 1,
            users: 1,
            commands: 2,
            acts: &[Act::Cancel, Act::Retry, Act::Hold, Act::Release, Act::Priority],
            rules: Rules { enter_kills: false, ..Rules::ALL },
            ..Config::PLAIN
        },
        Config {
            name: "take",
            tasks: 2,
            dropped: 2,
            wrong: 1,
            slow: true,
            tenders: &[0, 0],
            users: 1,
            commands: 2,
            acts: &[Act::Drop, Act::CancelNamed, Act::Retry],
            crashes: 1,
            tender_crashes: true,
            workers: &[0],
            ..Config::PLAIN
        },
        Config {
            name: "retire",
            hearts: true,
            crashes: 1,
            users: 1,
            commands: 2,
            acts: &[Act::Retire],
            ..Config::PLAIN
        },
        Config {
            name: "two tasks",
            tasks: 2,
            crashes: 1,
            give_backs: 1,
            old_listings: false,
            ..Config::PLAIN
        },
    ];
    for config in configs {
        let begin = std::time::Instant::now();
        let report = explore(&config);
        println!("{} {} {:?} stuck {}", config.name, report.states, begin.elapsed(), report.stuck);
        if let Some((name, trace)) = report.verdict() {
            println!("{name}");
            for label in trace {
                println!("   {label}");
            }
        }
    }
}
