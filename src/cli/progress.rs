//! Progress: a live line on a terminal, plain log lines elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use super::ui::Ui;
use crate::coordinator::PoolObserver;
use crate::domain::text::one_line;
use crate::domain::time::UnixMs;
use crate::queue::Queue;
use crate::shape::style::{dollars, duration};
use crate::site::Site;
use crate::sys::{clock, env};
use crate::views::bill::Bill;
use crate::views::rows::Scope;
use crate::views::text::counts;
use crate::views::view::view;

/// A picture takes at most one part in so many of the time.
const SHARE: u64 = 20;

/// What an observer of the coordinator shows.
pub(super) struct Progress {
    ui: Ui,
    quiet: bool,
    since: UnixMs,
    root: std::path::PathBuf,
    bar: Option<ProgressBar>,
    next_ms: u64,
    bill: Option<Bill>,
}

impl Progress {
    /// Says where it works, and what a person may do.
    pub(super) fn new(context: &Context, quiet: bool, since: UnixMs) -> Progress {
        let bar = (!quiet && env::stderr_is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let plain = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(plain.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let config = context.config();
        let root = config.root.clone();
        let mut progress =
            Progress { ui: context.ui, quiet, since, root, bar, next_ms: 0, bill: None };
        let queue = Site::at(&progress.root).queue();
        progress.say(&format!(
            "{} workers ({}) on {}",
            config.agents,
            config.agent,
            queue.display()
        ));
        if progress.bar.is_some() {
            progress.say("Ctrl-C: end after the running tasks; twice: stop now");
        }
        progress
    }

    /// Takes the live line away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn picture(&mut self, queue: &Queue) -> Option<String> {
        let seen = view(queue, &self.root, Scope { last: 0, waiting: 0, wrong: None }).ok()?;
        let busy: Vec<String> = seen
            .workers
            .iter()
            .filter_map(|worker| Some(worker.task.as_ref()?.slug().to_owned()))
            .collect();
        let bill = match &mut self.bill {
            Some(bill) => bill,
            None => self.bill.insert(Bill::from_now(queue).ok()?),
        };
        let usage = bill.so_far(queue).ok()?;
        let elapsed = duration(clock::now().since(self.since));
        let style = self.ui.talk_style();
        let doing = if busy.is_empty() {
            String::new()
        } else {
            format!("  {}", one_line(&busy.join(", "), 50))
        };
        let paused = seen.paused.as_ref().map(|why| format!("  paused: {why}")).unwrap_or_default();
        let money = match usage.cost_usd {
            0.0 => String::new(),
            cost => format!(" · {}", dollars(cost, usage.estimated)),
        };
        let doing = style.dim(&doing);
        let line = format!("{} · {elapsed}{money}{doing}{paused}", counts(&seen, style));
        Some(style.harmless(&line))
    }
}

impl PoolObserver for Progress {
    fn say(&mut self, line: &str) {
        if self.quiet {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.say(line)),
            None => self.ui.say(&format!("{} {line}", clock::local(clock::now()))),
        }
    }

    fn tick(&mut self, queue: &Queue, _running: usize, _wanted: usize) {
        let begun = clock::mono_ms();
        if self.bar.is_none() || begun < self.next_ms {
            return;
        }
        if let (Some(picture), Some(bar)) = (self.picture(queue), &self.bar) {
            bar.set_message(picture);
            bar.tick();
        }
        let took = clock::mono_ms() - begun;
        self.next_ms = begun + took * SHARE;
    }
}
