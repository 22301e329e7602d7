//! `selftest`: the proof on this machine, with a seed; and the two hidden processes that it needs.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::Common;
use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use super::selftest_args::Selftest;
use super::ui::Ui;
use crate::selftest::{self, Observer, Order};
use crate::site::Site;
use crate::sys::{env, fs};

/// Minutes, tasks a minute and workers, where nobody says how many: of a storm, and of a night.
const STORM: (f64, f64, u32) = (1.0, 600.0, 6);
const NIGHT: (f64, f64, u32) = (60.0, 5.0, 10);
/// A storm of so many minutes is a day's.
const MOST_MINUTES: f64 = 1_440.0;

/// Runs it, and says what came of it.
pub(super) fn selftest(context: &Context, wanted: &Selftest) -> CommandResult {
    let order = order(context, wanted)?;
    if wanted.plan {
        context.ui.print(&format!("seed {}\n{}", order.seed, selftest::night_plan(&order)))?;
        return Ok(exit::OK);
    }
    let place = order.dir.clone();
    context.ui.say(&format!("in {}, seed {}", place.display(), order.seed));
    let report = selftest::run(&order, &mut Talk(context.ui))?;
    if wanted.json {
        context.ui.print_json(&report.json())?;
    } else {
        context.ui.print(&report.text(context.ui.style()))?;
    }
    if wanted.keep || !report.is_sound() {
        context.ui.say(&format!("everything is still there: {}", place.display()));
    } else {
        fs::remove_tree(&place)?;
    }
    match report.broken.first() {
        None => {
            context.ui.say("all invariants hold");
            Ok(exit::OK)
        }
        Some(broken) => {
            let message = format!("{} does not hold: {}", broken.invariant, broken.what);
            let again = format!("{}; the queue under test: {}", report.again(), place.display());
            Err(Failure::new(exit::FOUND, message).hint(again))
        }
    }
}

fn order(context: &Context, wanted: &Selftest) -> Result<Order, Failure> {
    let (minutes, tasks_per_minute, workers) = if wanted.night { NIGHT } else { STORM };
    let minutes = wanted.minutes.unwrap_or(minutes);
    if !(0.0..=MOST_MINUTES).contains(&minutes) {
        return Err(Failure::usage(format!("--minutes {minutes}: 0 to {MOST_MINUTES}"))
            .hint("coordinator selftest --minutes 1"));
    }
    let seed = wanted.seed.unwrap_or_else(selftest::any_seed);
    let tasks = wanted.tasks.unwrap_or((minutes * tasks_per_minute) as usize);
    Ok(Order {
        dir: place(context, wanted)?.join(format!("swarmdir-selftest-{seed}")),
        seed,
        storm_ms: (minutes * 60_000.0) as u64,
        tasks,
        workers: wanted.workers.unwrap_or(workers) as usize,
        coordinators: usize::from(wanted.coordinators),
        work_ms: wanted.work.max(1),
        every_ms: wanted.every.max(1),
        kills_only: wanted.kills_only,
        durability: context.config().durability,
        night: wanted.night,
        keep: wanted.keep,
    })
    .and_then(|order| match fs::exists(&order.dir) {
        false => Ok(order),
        true => Err(Failure::usage(format!("{} exists", order.dir.display()))
            .hint("remove it, or choose another --dir or --seed")),
    })
}

/// Beside the queue that is to be trusted, where there is one.
fn place(context: &Context, wanted: &Selftest) -> Result<PathBuf, Failure> {
    if let Some(dir) = &wanted.dir {
        fs::mkdirs(dir)?;
        return Ok(fs::canonical(dir)?);
    }
    let site = Site::at(&context.config().root);
    if fs::exists(&site.queue_paths().format()) {
        return Ok(site.state_dir());
    }
    Ok(env::current_dir()?)
}

struct Talk(Ui);

impl Observer for Talk {
    fn say(&mut self, line: &str) {
        self.0.say(line);
    }
}

/// The agent: its prompt on standard input.
pub(super) fn agent() -> CommandResult {
    let mut prompt = Vec::new();
    std::io::stdin().lock().read_to_end(&mut prompt)?;
    Ok(selftest::witness::main(&prompt))
}

/// The process that fills a disk of its own; one line of JSON.
pub(super) fn disk(common: &Common, dir: &Path) -> CommandResult {
    let seen = selftest::fill_a_small_disk(dir);
    let line = serde_json::to_string(&seen).expect("plain data");
    Ui::new(common.color).print(&format!("{line}\n"))?;
    Ok(exit::OK)
}
