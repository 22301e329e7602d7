//! The bare protocol: link, open, rename, unlink through the queue module, against the raw calls.

use std::path::Path;
use std::time::Instant;

use swarmdir::domain::settings::choice::Durability;
use swarmdir::domain::task::id::WorkerId;
use swarmdir::domain::task::name::QueueName;
use swarmdir::queue::Queue;
use swarmdir::queue::claim::ClaimResult;
use swarmdir::queue::finish::{FinalDir, Transition};
use swarmdir::queue::register::Card;
use swarmdir::sys::{clock, identity, random};

use crate::lab::{Contender, Lab, contest};
use crate::table::Row;

/// Claim and publish, names only.
pub(crate) fn cycles(lab: &Lab) -> Vec<Row> {
    let count = lab.size(10_000, 200);
    let mut contenders: Vec<Contender<'_>> = vec![
        ("ours", Box::new(move || ours(lab, count))),
        ("raw calls", Box::new(move || raw(lab, count))),
    ];
    let rates = contest(lab.size(7, 1), &mut contenders);
    vec![Row::rates("claim cycles", "/s", rates[0].1, rates[1], Some(0.5))]
}

fn names(ready: &Path, count: usize) -> Vec<String> {
    let name = |n| format!("5-20260101T000000000-t{n:06}-aaaa.1");
    let names: Vec<String> = (0..count).map(name).collect();
    names.iter().for_each(|name| std::fs::write(ready.join(name), "x\n").unwrap());
    names
}

fn ours(lab: &Lab, count: usize) -> f64 {
    let place = lab.place("claims");
    let queue = Queue::open_or_make(&place, Durability::Relaxed).unwrap();
    let names = names(&place.join("ready"), count);
    let names: Vec<QueueName> = names.iter().map(|name| QueueName::parse(name).unwrap()).collect();
    let card = Card {
        id: WorkerId::from_bits(random::bits()),
        process: identity::me(),
        version: String::new(),
        slot: None,
        started_at: clock::now(),
        file: None,
        has_claimed: false,
        copied: false,
        other_device: false,
    };
    let begun = Instant::now();
    let me = queue.register(card).unwrap();
    for name in &names {
        let ClaimResult::Won(claim) = queue.claim(&me, name).unwrap() else {
            panic!("nobody else claims")
        };
        assert_eq!(queue.publish(claim, FinalDir::Done).unwrap(), Transition::Won);
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

fn raw(lab: &Lab, count: usize) -> f64 {
    let place = lab.place("raw");
    for dir in ["ready", "claims", "done", "workers"] {
        std::fs::create_dir(place.join(dir)).unwrap();
    }
    let names = names(&place.join("ready"), count);
    let id = "0123456789abcdef0123456789abcdef";
    let begun = Instant::now();
    let worker = place.join("workers").join(id);
    std::fs::write(&worker, "x").unwrap();
    for name in &names {
        let (link, ready) = (place.join("claims").join(&name[2..]), place.join("ready").join(name));
        std::fs::hard_link(&worker, &link).unwrap();
        let file = std::fs::File::open(&ready).unwrap();
        std::fs::rename(&ready, place.join("done").join(format!("{}.{id}", &name[2..]))).unwrap();
        std::fs::remove_file(&link).unwrap();
        drop(file);
    }
    count as f64 / begun.elapsed().as_secs_f64()
}
