//! Rows *make*, *register*, *intake* and *add*.

use std::ffi::OsString;

use swarmdir::domain::settings::choice::Durability;
use swarmdir::queue::intake::IntakeResult;
use swarmdir::queue::{Queue, Result};

use super::{Act, Row, row};
use crate::crash::lab::{Judge, Lab, WRONG};
use crate::support::settled::write_settled;

pub(super) fn rows() -> Vec<Row> {
    let make = row("make", make, &["no-queue =>", " =>"]);
    vec![
        Row { bare: true, steps: &["no-queue", ""], ..make },
        row("make again", make_again, &["ready/5-a.1 => a done"]),
        row("register", register, &["", "workers/W1"]),
        row(
            "intake",
            |lab| take_in(lab, "do it"),
            &["pending/a => a done", "blocked/5-a.0~intake => a done", "ready/5-a.1 => a done"],
        ),
        row(
            "intake a name that says more than its slug",
            take_in_named,
            &[
                "pending/A b.json => a-b done",
                "blocked/5-a-b.0~intake => a-b done",
                "ready/3-a-b.1 => a-b done",
            ],
        ),
        row(
            "intake, wrong",
            |lab| take_in(lab, WRONG),
            &[
                "pending/a => a rejected",
                "blocked/5-a.0~intake => a rejected",
                "blocked/5-a.0~intake report/a.0 => a rejected",
                "rejected/a.0 report/a.0 => a rejected",
            ],
        ),
        row(
            "intake, put off",
            |lab| take_in(lab, "away"),
            &["pending/a => a done", "blocked/5-a.0~intake => a done"],
        ),
        row(
            "intake, put off before",
            take_in_again,
            &["blocked/5-a.0~intake => a done", "ready/5-a.1 => a done"],
        ),
        Row {
            several: true,
            ..row(
                "intake three",
                take_in_three,
                &[
                    "pending/a pending/b pending/c => a done, b rejected, c done",
                    "pending/b pending/c blocked/5-a.0~intake => a done, b rejected, c done",
                    "pending/c blocked/5-a.0~intake blocked/5-b.0~intake => a done, b rejected, c done",
                    "blocked/5-a.0~intake blocked/5-b.0~intake blocked/5-c.0~intake => a done, b rejected, c done",
                    "ready/5-a.1 blocked/5-b.0~intake blocked/5-c.0~intake => a done, b rejected, c done",
                    "ready/5-a.1 blocked/5-b.0~intake blocked/5-c.0~intake report/b.0 => a done, b rejected, c done",
                    "ready/5-a.1 blocked/5-c.0~intake rejected/b.0 report/b.0 => a done, b rejected, c done",
                    "ready/5-a.1 ready/7-c.1 rejected/b.0 report/b.0 => a done, b rejected, c done",
                ],
            )
        },
        row(
            "add",
            |lab| add(lab, "do it 7"),
            &["", "blocked/5-a.0~intake => a done", "ready/7-a.1 => a done"],
        ),
        row(
            "add, wrong",
            |lab| add(lab, WRONG),
            &[
                "",
                "blocked/5-a.0~intake => a rejected",
                "blocked/5-a.0~intake report/a.0 => a rejected",
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
fn came_to(taken: &[IntakeResult], put_off: bool) -> bool {
    taken.iter().all(|taken| match taken {
        IntakeResult::Ready(_) | IntakeResult::Rejected(_) => true,
        IntakeResult::Unfinished(_) => put_off,
        IntakeResult::Lost | IntakeResult::Stuck(_) => false,
    })
}

fn take_in_all(lab: &Lab, names: &[&str], put_off: bool) -> Act {
    let queue = lab.queue();
    let names: Vec<OsString> = names.iter().map(OsString::from).collect();
    Box::new(move || -> Result<bool> { Ok(came_to(&queue.take_in(&names, &Judge)?, put_off)) })
}

fn take_in(lab: &Lab, text: &str) -> Act {
    lab.drop("a", text);
    take_in_all(lab, &["a"], text == "away")
}

fn take_in_named(lab: &Lab) -> Act {
    lab.drop("A b.json", r#"{"prompt": "do it", "priority": 3}"#);
    take_in_all(lab, &["A b.json"], false)
}

fn take_in_three(lab: &Lab) -> Act {
    lab.drop("a", "do it");
    lab.drop("b", WRONG);
    lab.drop("c", "do it 7");
    take_in_all(lab, &["a", "b", "c"], false)
}

fn take_in_again(lab: &Lab) -> Act {
    let id = lab.add("a", "away");
    let path = lab.path().join("blocked").join(lab.name(&id).to_string());
    write_settled(&path, "do it");
    let (queue, name) = (lab.queue(), lab.name(&id));
    Box::new(move || Ok(came_to(&[queue.finish_intake(&name, &Judge)?], false)))
}

fn add(lab: &Lab, text: &'static str) -> Act {
    let queue = lab.queue();
    Box::new(move || Ok(came_to(&[queue.enqueue("a".as_ref(), text.as_bytes(), &Judge)?], false)))
}
