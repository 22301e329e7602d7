//! Progress: a line as each task ends; below them a live line on a terminal.

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
use crate::views::rows::{Scope, ended_row};
use crate::views::text::{counts, ended_line};
use crate::views::view::view;

/// Looking takes at most one part in so many of the time.
const SHARE: u64 = 20;
/// So many tasks that ended since the last look are named.
const NAMED: usize = 20;

/// What an observer of the coordinator shows.
pub(super) struct Progress {
    ui: Ui,
    quiet: bool,
    since: UnixMs,
    root: std::path::PathBuf,
    bar: Option<ProgressBar>,
    next_ms: u64,
    bill: Bill,
}

impl Progress {
    /// Says where it works, and what a person may do.
    pub(super) fn new(context: &Context, queue: &Queue, quiet: bool, since: UnixMs) -> Progress {
        let bar = (!quiet && env::stderr_is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let plain = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(plain.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let config = context.config();
        let root = config.root.clone();
        let at = Site::at(&root).queue();
        // What cannot be listed now is told by whoever works on it.
        let bill = Bill::from_now(queue).unwrap_or_default();
        let mut progress = Progress { ui: context.ui, quiet, since, root, bar, next_ms: 0, bill };
        progress.say(&format!("{} workers ({}) on {}", config.agents, config.agent, at.display()));
        if progress.bar.is_some() {
            progress.say("Ctrl-C: end after the running tasks; twice: stop now");
        }
        progress
    }

    /// Names what ended last, and takes the live line away.
    pub(super) fn end(&mut self, queue: &Queue) {
        self.name_ended(queue);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn name_ended(&mut self, queue: &Queue) {
        if self.quiet {
            return;
        }
        let ended = self.bill.look(queue).unwrap_or_default();
        let style = self.ui.talk_style();
        for ended in ended.iter().take(NAMED) {
            self.say(&ended_line(&ended_row(queue, ended), style));
        }
        if ended.len() > NAMED {
            self.say(&format!("and {} more ended", ended.len() - NAMED));
        }
    }

    fn picture(&self, queue: &Queue) -> Option<String> {
        let seen = view(queue, &self.root, Scope { last: 0, waiting: 0, wrong: None }).ok()?;
        let busy: Vec<String> = seen
            .workers
            .iter()
            .filter_map(|worker| Some(worker.task.as_ref()?.slug().to_owned()))
            .collect();
        let usage = self.bill.so_far();
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
        if self.quiet || begun < self.next_ms {
            return;
        }
        self.name_ended(queue);
        if let Some(bar) = &self.bar
            && let Some(picture) = self.picture(queue)
        {
            bar.set_message(picture);
            bar.tick();
        }
        let took = clock::mono_ms() - begun;
        self.next_ms = begun + took * SHARE;
    }
}
