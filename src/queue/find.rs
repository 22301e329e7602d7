//! What a person means by TASK: an id, its slug or its tail, unambiguous.

use super::{Queue, Result};
use crate::domain::task::id::TaskId;
use crate::site::Dir;
use crate::sys::fs;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FoundTask {
    One(TaskId),
    /// Several; the newest first.
    Several(Vec<TaskId>),
    /// None; some that look alike.
    None(Vec<TaskId>),
}

impl Queue {
    /// Looks a task up by id, then tail or slug, then by a part of its id. What an intake reserved before it died
    /// is no task.
    pub fn find(&self, text: &str) -> Result<FoundTask> {
        if let Some(id) = TaskId::parse(text)
            && fs::exists(self.paths.run(&id).dir())
        {
            return Ok(FoundTask::One(id));
        }
        let names = fs::list(&self.dir(Dir::Runs))?;
        let all: Vec<TaskId> = names.iter().filter_map(|n| TaskId::parse(n.to_str()?)).collect();
        let exact = |id: &&TaskId| id.tail() == text || id.slug() == text;
        let mut matches: Vec<TaskId> = all.iter().filter(exact).cloned().collect();
        if matches.is_empty() && text.len() >= 3 {
            matches = all.iter().filter(|id| id.as_str().contains(text)).cloned().collect();
        }
        let mut real = Vec::new();
        for id in matches {
            if !self.is_only_reserved(&id)? {
                real.push(id);
            }
        }
        let mut matches = real;
        matches.sort_by(|a, b| b.cmp(a));
        Ok(match matches.as_slice() {
            [one] => FoundTask::One(one.clone()),
            [] => FoundTask::None(alike(text, all)),
            _ => FoundTask::Several(matches),
        })
    }
}

fn alike(text: &str, all: Vec<TaskId>) -> Vec<TaskId> {
    let likeness = |id: &TaskId| strsim::jaro_winkler(id.slug(), text);
    let mut close: Vec<(f64, TaskId)> =
        all.into_iter().map(|id| (likeness(&id), id)).filter(|(like, _)| *like >= 0.8).collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0));
    close.into_iter().take(3).map(|(_, id)| id).collect()
}
