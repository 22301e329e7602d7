//! Wake-ups: something happened in a directory. Hints without content; a lost one costs latency only.

use std::path::Path;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};

pub struct FileWatch {
    watcher: RecommendedWatcher,
}

impl FileWatch {
    /// Calls `hint` (from a thread of its own) when a name or content changes in a directory added later;
    /// `None` where the system has no watches left: the caller's slow timer then does the work.
    pub fn new(hint: impl Fn() + Send + 'static) -> Option<FileWatch> {
        let handler = move |event: notify::Result<notify::Event>| {
            // An error is an overflow or a vanished directory: look, too.
            if event.map_or(true, |event| changes(&event.kind)) {
                hint();
            }
        };
        // Reading is left out at the source: our own looks must not wake us.
        let kinds = EventKindMask::CORE | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_event_kinds(kinds);
        RecommendedWatcher::new(handler, config).ok().map(|watcher| FileWatch { watcher })
    }

    /// Adds one directory (not what is below it); false where the system refuses.
    pub fn add(&mut self, dir: &Path) -> bool {
        self.watcher.watch(dir, RecursiveMode::NonRecursive).is_ok()
    }
}

/// Reading is no change: our own looks must not wake us.
fn changes(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
