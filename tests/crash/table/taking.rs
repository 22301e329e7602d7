//! Rows *make*, *register*, *take up* and *add*.

use std::ffi::OsString;

use swarmdir::domain::settings::choice::Durability;
use swarmdir::queue::intake::Taken;
use swarmdir::queue::{Queue, Result};

use super::{Act, Row, row};
use crate::crash::lab::{Judge, Lab, WRONG};

pub(super) fn rows() -> Vec<Row> {
    let make = row("make", make, &["no-queue =>", " =>"]);
    vec![
        Row { bare: true, steps: &["no-queue", ""], ..make },
        row("make again", make_again, &["ready/5-a.1 => a done"]),
        row("register", register, &["", "workers/W1"]),
        row(
            "take up",
            |lab| take_up(lab, "do it"),
            &["pending/a => a done", "blocked/5-a.0~taking => a done", "ready/5-a.1 => a done"],
        ),
        row(
            "take up a name that says more than its slug",
            take_up_named,
            &[
                "pending/A b.json => a-b done",
                "blocked/5-a-b.0~taking => a-b done",
                "ready/3-a-b.1 => a-b done",
            ],
        ),
        row(
            "take up, to be held",
            |lab| take_up(lab, "held"),
            &[
                "pending/a => a done",
                "blocked/5-a.0~taking => a done",
                "blocked/5-a.1~hold => a done",
            ],
        ),
        row(
            "take up, wrong",
            |lab| take_up(lab, WRONG),
            &[
                "pending/a => a rejected",
                "blocked/5-a.0~taking => a rejected",
                "blocked/5-a.0~taking report/a.0 => a rejected",
                "rejected/a.0 report/a.0 => a rejected",
            ],
        ),
        row(
            "take up, put off",
            |lab| take_up(lab, "away"),
            &["pending/a => a done", "blocked/5-a.0~taking => a done"],
        ),
        row(
            "take up, put off before",
            take_up_again,
            &["blocked/5-a.0~taking => a done", "ready/5-a.1 => a done"],
        ),
        Row {
            several: true,
            ..row(
                "take up three",
                take_up_three,
                &[
                    "pending/a pending/b pending/c => a done, b rejected, c done",
                    "pending/b pending/c blocked/5-a.0~taking => a done, b rejected, c done",
                    "pending/c blocked/5-a.0~taking blocked/5-b.0~taking => a done, b rejected, c done",
                    "blocked/5-a.0~taking blocked/5-b.0~taking blocked/5-c.0~taking => a done, b rejected, c done",
                    "ready/5-a.1 blocked/5-b.0~taking blocked/5-c.0~taking => a done, b rejected, c done",
                    "ready/5-a.1 blocked/5-b.0~taking blocked/5-c.0~taking report/b.0 => a done, b rejected, c done",
                    "ready/5-a.1 blocked/5-c.0~taking rejected/b.0 report/b.0 => a done, b rejected, c done",
                    "ready/5-a.1 blocked/5-c.1~hold rejected/b.0 report/b.0 => a done, b rejected, c done",
                ],
            )
        },
        row(
            "add",
            |lab| add(lab, "do it 7"),
            &["", "blocked/5-a.0~taking => a done", "ready/7-a.1 => a done"],
        ),
        row(
            "add, wrong",
            |lab| add(lab, WRONG),
            &[
                "",
                "blocked/5-a.0~taking => a rejected",
                "blocked/5-a.0~taking report/a.0 => a rejected",
                "rejected/a.0 report/a.0 => a rejected",
            ],
        ),
    ]
}

fn make(lab: &Lab) -> Act {
    let path = lab.path();
    Box::new(move || Queue::open_or_make(&path, Durability::Strict).map(|_| true))
}

fn make_again(lab: &Lab) -> Act {
    lab.add("a", "do it");
    make(lab)
}

fn register(lab: &Lab) -> Act {
    let (queue, card) = (lab.queue(), lab.card());
    Box::new(move || queue.register(card).map(|_| true))
}

/// Whether all were finished, or put off where that is what is to be done.
fn came_to(taken: &[Taken], put_off: bool) -> bool {
    taken.iter().all(|taken| match taken {
        Taken::Ready(_) | Taken::Blocked(_) | Taken::Rejected(_) => true,
        Taken::Unfinished(_) => put_off,
        Taken::Lost | Taken::Stuck(_) => false,
    })
}

fn take_up_all(lab: &Lab, names: &[&str], put_off: bool) -> Act {
    let queue = lab.queue();
    let names: Vec<OsString> = names.iter().map(OsString::from).collect();
    Box::new(move || -> Result<bool> { Ok(came_to(&queue.take_up(&names, &Judge)?, put_off)) })
}

fn take_up(lab: &Lab, text: &str) -> Act {
    lab.drop("a", text);
    take_up_all(lab, &["a"], text == "away")
}

fn take_up_named(lab: &Lab) -> Act {
    lab.drop("A b.json", r#"{"prompt": "do it", "priority": 3}"#);
    take_up_all(lab, &["A b.json"], false)
}

fn take_up_three(lab: &Lab) -> Act {
    lab.drop("a", "do it");
    lab.drop("b", WRONG);
    lab.drop("c", "held");
    take_up_all(lab, &["a", "b", "c"], false)
}

fn take_up_again(lab: &Lab) -> Act {
    let id = lab.add("a", "away");
    let path = lab.path().join("blocked").join(lab.name(&id).to_string());
    std::fs::write(path, "do it").unwrap();
    let (queue, name) = (lab.queue(), lab.name(&id));
    Box::new(move || Ok(came_to(&[queue.finish_taking(&name, &Judge)?], false)))
}

fn add(lab: &Lab, text: &'static str) -> Act {
    let queue = lab.queue();
    Box::new(move || Ok(came_to(&[queue.enqueue("a".as_ref(), text.as_bytes(), &Judge)?], false)))
}
