//! The morning: what became of each task, of the bill, of the processes; and the table for whoever comes in.

use std::collections::{BTreeMap, HashMap};

use super::Night;
use super::accounts;
use super::ask::ask;
use super::bill::Bill;
use super::tasks::Task;
use crate::queue::shift::EndedTask;
use crate::queue::{Queue, Result};
use crate::selftest::report::Report;
use crate::selftest::{Order, verdict, witness};
use crate::shape::style::duration;
use crate::sys::tool;

impl Night<'_> {
    /// Judges everything that lies there.
    pub(super) fn judge(
        &self,
        order: &Order,
        stuck: Vec<String>,
        left: Vec<String>,
        report: &mut Report,
    ) -> Result<()> {
        let queue = &self.bed.queue;
        report.tell("took", duration(self.elapsed_ms()));
        for (what, count) in &self.facts.counts {
            report.tell(*what, count.to_string());
        }
        let ends = ends(queue)?;
        self.tell_tasks(&ends, report);
        let bill = Bill::open(self, &self.service.ledger()?)?;
        report.section("bill");
        bill.tell(&self.facts).into_iter().for_each(|(what, figure)| report.tell(what, figure));
        let accounts = accounts::look(queue, &self.facts)?;
        report.section("account");
        let closed_ms = accounts.closed.iter().map(|span| span.until.since(span.from)).sum();
        let times = accounts.closed.len();
        report.tell("closed", format!("{times} times, {} in all", duration(closed_ms)));
        report.tell("claimed within the second", accounts.hasty.to_string());
        report.tell("claimed later", accounts.claims.len().to_string());
        report.section("processes");
        let (told, grew) = self.samples.judge(order.workers);
        let [coordinators, workers] =
            ["coordinator", "worker"].map(|role| self.samples.count(role));
        report.tell("seen", format!("{coordinators} coordinators, {workers} workers"));
        told.into_iter().for_each(|(what, figure)| report.tell(what, figure));
        report.tell("names in the queue, most", self.highest.text());

        verdict::check(queue, report, |_| Vec::new())?;
        report.judge("N1", [stuck, self.not_as_planned(&ends), self.unexplained()?].concat());
        report.judge("N2", self.not_on_its_branch(&ends));
        report.judge("N3", bill.differ(&self.facts));
        report.judge("N4", bill.paid_twice());
        report.judge("N5", accounts.claims);
        report.judge("N6", grew);
        report.judge("N7", self.highest.wrong(queue, coordinators + workers + order.workers)?);
        let mut twice = verdict::twice(queue)?;
        // Each life ends once.
        twice.retain(|line| !self.facts.retried.iter().any(|task| line.starts_with(task.as_str())));
        report.judge("S2", twice);
        let mut overlaps = witness::overlaps(&self.bed.witness)?;
        overlaps
            .retain(|seen| !self.facts.moved.contains(seen.split('.').next().unwrap_or_default()));
        let overlaps = overlaps.iter().map(|seen| format!("two agents at once: {seen}"));
        report.judge("S3", overlaps.collect());
        report.judge("S4", verdict::repeated(queue)?);
        report.judge("S7", [left, verdict::occupied(self.bed)].concat());
        Ok(())
    }

    /// A line for each kind of task: how many, and what became of them.
    fn tell_tasks(&self, ends: &Ends, report: &mut Report) {
        report.section("tasks");
        let mut kinds: BTreeMap<_, (usize, BTreeMap<String, usize>)> = BTreeMap::new();
        for task in &self.plan.tasks {
            let (count, became) = kinds.entry(task.kind).or_default();
            *count += 1;
            for ended in ends.get(&task.name()).into_iter().flatten() {
                *became.entry(ended.word()).or_default() += 1;
            }
        }
        for (kind, (count, became)) in kinds {
            let became: Vec<String> =
                became.iter().map(|(word, n)| format!("{n} {word}")).collect();
            report.tell(format!("{count} {}", kind.word()), became.join(", "));
        }
        let (retried, hit) = (self.facts.retried.len(), self.facts.hit());
        report.tell("cut off in between", format!("{hit} tasks; {retried} retried by people"));
    }

    fn not_as_planned(&self, ends: &Ends) -> Vec<String> {
        let mut wrong = Vec::new();
        for task in &self.plan.tasks {
            let name = task.name();
            match ends.get(&name).map(Vec::as_slice) {
                None | Some([]) => wrong.push(format!("{name} is lost")),
                Some([end]) if task.kind.may_end(&end.ended, &end.outcome) => {}
                Some([end]) => {
                    wrong.push(format!("{name} ended as {}: {}", end.word(), end.reason))
                }
                Some(several) => wrong.push(format!("{name} ended {} times", several.len())),
            }
        }
        wrong
    }

    /// Tasks that did not come to a good end, and of which nobody is told why.
    fn unexplained(&self) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for ended in self.bed.queue.all_ended()? {
            if matches!(ended, EndedTask::Done(_)) {
                continue;
            }
            let id = ended.at().id.as_str();
            let why = ask(self.bed, &["explain", id])?;
            if why["because"].as_array().is_none_or(Vec::is_empty) {
                wrong.push(format!("{id}: coordinator explain says nothing"));
            }
        }
        Ok(wrong)
    }

    fn not_on_its_branch(&self, ends: &Ends) -> Vec<String> {
        let done = self.plan.tasks.iter().filter(|task| task.kind.leaves_its_steps());
        done.filter_map(|task| {
            let end = ends.get(&task.name())?.first()?;
            let branch = end.branch.clone().filter(|_| matches!(end.ended, EndedTask::Done(_)))?;
            self.steps_wrong(task, &branch)
        })
        .collect()
    }

    fn steps_wrong(&self, task: &Task, branch: &str) -> Option<String> {
        let path = self.bed.repository().to_string_lossy().into_owned();
        let object = format!("{branch}:steps.txt");
        let text = tool::text("git", &["-C", &path, "show", &object]).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let meant = task.step_names();
        (lines != meant)
            .then(|| format!("{}: {lines:?} is on {branch}, not {meant:?}", task.name()))
    }
}

/// How a task ended.
struct End {
    ended: EndedTask,
    outcome: String,
    reason: String,
    branch: Option<String>,
}

impl End {
    fn word(&self) -> String {
        let state = match self.ended {
            EndedTask::Done(_) => "done",
            EndedTask::Failed(_) => "failed",
            EndedTask::Rejected(_) => "rejected",
            EndedTask::Cancelled(_) => "cancelled",
        };
        match self.outcome.as_str() {
            "" | "done" => state.into(),
            outcome => format!("{state} ({outcome})"),
        }
    }
}

type Ends = HashMap<String, Vec<End>>;

fn ends(queue: &Queue) -> Result<Ends> {
    let mut ends = Ends::new();
    for ended in queue.all_ended()? {
        let result = match &ended {
            EndedTask::Done(name) | EndedTask::Failed(name) => {
                let files = queue.attempt(name.clone());
                if files.lost.is_some() { None } else { files.result }
            }
            EndedTask::Rejected(_) | EndedTask::Cancelled(_) => None,
        };
        let lost = result.is_none() && matches!(ended, EndedTask::Failed(_));
        let (outcome, reason, branch) = match result {
            Some(result) => (result.outcome, result.reason, result.branch),
            None if lost => ("lost".into(), "its workers died".into(), None),
            None => Default::default(),
        };
        let name = ended.at().id.slug().to_owned();
        ends.entry(name).or_default().push(End { ended, outcome, reason, branch });
    }
    Ok(ends)
}
