//! Agents that take a fixed time and no processor: how much more gets done by more of them.

use crate::lab::{Contender, Lab, Root, contest};
use crate::table::Row;

/// Tasks a worker.
const EACH: usize = 6;

pub(crate) fn agents(lab: &Lab) -> Vec<Row> {
    let secs = if lab.quick { "0.1" } else { "1" };
    let run = |workers: usize| {
        move || {
            let root = Root::new(lab.place("scaling"), "strict", &["sleep", secs], false);
            let count = workers * EACH;
            root.drop_tasks(count, "do it\n");
            count as f64 / root.drain(workers, count).as_secs_f64()
        }
    };
    let mut contenders: Vec<Contender<'_>> =
        vec![("1", Box::new(run(1))), ("3", Box::new(run(3))), ("10", Box::new(run(10)))];
    let rates = contest(lab.size(3, 1), &mut contenders);
    let one = ("1 agent", rates[0].1);
    let what = |n| format!("{n} agents, each task {secs} s of sleep");
    vec![
        Row::rates(&what(3), "/s", rates[1].1, one, Some(2.95)),
        Row::rates(&what(10), "/s", rates[2].1, one, Some(9.5)),
    ]
}
