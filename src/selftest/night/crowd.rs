//! How many names the queue's directories hold: at most in the night, and at its end.

use crate::queue::{Queue, Result};
use crate::site::Dir;
use crate::sys::fs;

/// Directories that are empty when all is done and everybody has ended; locks stay in `tmp/`.
const EMPTY: [Dir; 7] =
    [Dir::Pending, Dir::Ready, Dir::Blocked, Dir::Claims, Dir::Workers, Dir::Gone, Dir::Cancel];
/// Names in `tmp/` beyond which something is not swept: what each of the dead was about to write, and the locks.
const STAGED: usize = 200;

/// The most that was seen.
#[derive(Debug, Default)]
pub(super) struct Highest {
    tmp: usize,
    workers: usize,
    gone: usize,
    log: usize,
}

impl Highest {
    pub(super) fn look(&mut self, queue: &Queue) -> Result<()> {
        let count = |dir: Dir| fs::list(&queue.paths().dir(dir)).map(|names| names.len());
        self.tmp = self.tmp.max(count(Dir::Tmp)?);
        self.workers = self.workers.max(count(Dir::Workers)?);
        self.gone = self.gone.max(count(Dir::Gone)?);
        self.log = self.log.max(count(Dir::Log)?);
        Ok(())
    }

    pub(super) fn text(&self) -> String {
        let Highest { tmp, workers, gone, log } = self;
        format!("tmp {tmp}, workers {workers}, gone {gone}, log {log}")
    }

    /// What is there at the end and should not be; `processes` were started in all.
    pub(super) fn wrong(&self, queue: &Queue, processes: usize) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for dir in EMPTY {
            let names = fs::list(&queue.paths().dir(dir))?;
            let shown = names.iter().take(3).map(|name| name.to_string_lossy().into_owned());
            let shown = shown.collect::<Vec<_>>().join(", ");
            if !names.is_empty() {
                wrong.push(format!("{}/ holds {} names: {shown}", dir.name(), names.len()));
            }
        }
        if self.tmp > STAGED {
            wrong.push(format!("tmp/ held {} names", self.tmp));
        }
        // A journal for each process that ever was, and those of the commands.
        if self.log > 2 * processes + 4 {
            wrong.push(format!("log/ held {} files of {processes} processes", self.log));
        }
        Ok(wrong)
    }
}
