//! A queue in which anybody put anything, anywhere: nothing panics or waits, what is foreign stays as it is, nothing
//! outside changes, and what is shown of it is harmless.
//!
//! An input is records with NUL between them: a letter for the directory (`a` is the first of `Dir::ALL`), one for the
//! kind (`f` file, `d` directory, `l` link to a file outside, `p` FIFO, `n` file in a directory of that name, `o` file of
//! long ago), the name, `/`, and the content (for `n`: the inner name, `/`, and the content).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use swarmdir::domain::settings::choice::Durability;
use swarmdir::domain::settings::config::Config;
use swarmdir::domain::task::id::{TaskId, WorkerId};
use swarmdir::domain::task::name::{AttemptName, QueueName, TaskEpoch};
use swarmdir::domain::task::record::{Lost, TaskRecord};
use swarmdir::domain::time::UnixMs;
use swarmdir::queue::intake::{Dropped, IntakeCheck, IntakeDecision};
use swarmdir::queue::pending::{DropZone, Sightings};
use swarmdir::queue::{Queue, QueueError};
use swarmdir::shape::style::Style;
use swarmdir::site::Dir;
use swarmdir::taskfile;
use swarmdir::views::rows::Scope;
use swarmdir::views::view::view;
use swarmdir::views::{explain, json, logs, show, text};

use super::super::safe::{assert_harmless, assert_one_line};

/// More would only take longer.
const RECORDS_MAX: usize = 24;

/// A queue made of these records, gone through by everything that looks at one.
pub(super) fn check(bytes: &[u8]) {
    let records: Vec<Record<'_>> =
        bytes.split(|byte| *byte == 0).filter_map(Record::read).take(RECORDS_MAX).collect();
    if records.is_empty() {
        return;
    }
    let memory = Path::new("/dev/shm");
    let place = tempfile::tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") });
    let place = place.expect("a directory");
    let outside = place.path().join("outside");
    fs::create_dir(&outside).expect("made");
    fs::write(outside.join("name"), "untouched").expect("written");
    let root = place.path().join("root");
    let queue = Queue::open_or_make(&root.join("queue"), Durability::Relaxed).expect("a queue");
    for record in &records {
        record.put(&queue, &outside);
    }
    let foreign = foreign(&queue);
    let around = entries(place.path());
    tend(&queue, &root);
    look(&queue, &root);
    for (path, what) in foreign {
        assert_eq!(Sight::of(&path), what, "{path:?} is foreign");
    }
    assert_eq!(entries(place.path()), around, "something was made beside the queue");
    let kept = fs::read_to_string(outside.join("name")).expect("it is still there");
    assert_eq!((kept.as_str(), entries(&outside).len()), ("untouched", 1));
    for dir in [Dir::Ready, Dir::Blocked, Dir::Rejected] {
        for name in entries(&queue.paths().dir(dir)) {
            assert_one_line(
                "a name",
                &swarmdir::domain::text::printable(&name.to_string_lossy(), false),
            );
        }
    }
}

struct Record<'a> {
    dir: Dir,
    kind: u8,
    name: &'a OsStr,
    content: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let [dir, kind, rest @ ..] = bytes else { return None };
        let dir = Dir::ALL[usize::from(dir.wrapping_sub(b'a')) % Dir::ALL.len()];
        let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (name, content) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
        let name = OsStr::from_bytes(name.get(..255).unwrap_or(name));
        (!["", ".", ".."].contains(&&*name.to_string_lossy())).then_some(Record {
            dir,
            kind: *kind,
            name,
            content,
        })
    }

    /// Puts it there; of two of one name the first counts, but a directory may come to hold several.
    fn put(&self, queue: &Queue, outside: &Path) {
        let path = queue.paths().dir(self.dir).join(self.name);
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_dir()) {
            return;
        }
        let _put = match self.kind {
            b'd' => fs::create_dir(&path),
            b'l' => symlink(
                if self.content.is_empty() { outside.join("name") } else { outside.into() },
                &path,
            ),
            b'p' => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).map_err(Into::into),
            b'n' => {
                let end = self.content.iter().position(|byte| *byte == b'/');
                let (inner, content) = self.content.split_at(end.unwrap_or(self.content.len()));
                let inner = OsStr::from_bytes(inner.get(..255).unwrap_or(inner));
                // A deeper one: an attempt's own directory.
                let (dir, file) = match content.get(1..) {
                    Some(rest) if rest.starts_with(b"result") => (path.join(inner), "result.json"),
                    Some(rest) if rest.starts_with(b"attempt") => {
                        (path.join(inner), "attempt.json")
                    }
                    Some(rest) if rest.starts_with(b"events") => (path.join(inner), "events.jsonl"),
                    Some(rest) if rest.starts_with(b"lost") => (path.join(inner), "lost"),
                    _ => (path.clone(), ""),
                };
                let at = if file.is_empty() { dir.join(inner) } else { dir.join(file) };
                let deep = content.splitn(3, |byte| *byte == b'/').nth(2);
                let content = if file.is_empty() { content.get(1..) } else { deep };
                fs::create_dir_all(&dir).and_then(|()| fs::write(at, content.unwrap_or_default()))
            }
            b'o' => fs::write(&path, self.content).and_then(|()| {
                let long_ago = SystemTime::now() - Duration::from_secs(86_400);
                fs::File::open(&path)?.set_modified(long_ago)
            }),
            _ => fs::write(&path, self.content),
        };
    }
}

/// What can be seen of a name without opening what is no file.
#[derive(PartialEq, Debug)]
enum Sight {
    Gone,
    File(Vec<u8>),
    Dir(Vec<OsString>),
    Link(PathBuf),
    Other,
}

impl Sight {
    fn of(path: &Path) -> Sight {
        match fs::symlink_metadata(path) {
            Err(_) => Sight::Gone,
            Ok(meta) if meta.is_file() => Sight::File(fs::read(path).expect("readable")),
            Ok(meta) if meta.is_dir() => Sight::Dir(entries(path)),
            Ok(meta) if meta.is_symlink() => Sight::Link(fs::read_link(path).expect("readable")),
            Ok(_) => Sight::Other,
        }
    }
}

fn entries(dir: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> =
        fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
}

/// Everything whose name is none that the queue gives in that directory, and what it is.
fn foreign(queue: &Queue) -> BTreeMap<PathBuf, Sight> {
    let mut found = BTreeMap::new();
    for dir in Dir::ALL {
        for name in entries(&queue.paths().dir(dir)) {
            let path = queue.paths().dir(dir).join(&name);
            // A dropped name need not be text.
            let text = match dir {
                Dir::Pending => Some(name.to_string_lossy()),
                _ => name.to_str().map(Into::into),
            };
            if !text.is_some_and(|name| is_given(dir, &name)) {
                found.insert(path.clone(), Sight::of(&path));
            }
        }
    }
    found
}

/// The table *Layout* of `queue/README.md`.
fn is_given(dir: Dir, name: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match dir {
        Dir::Ready => QueueName::parse(name).is_some_and(|name| name.reason.is_none()),
        Dir::Blocked => QueueName::parse(name).is_some_and(|name| name.reason.is_some()),
        Dir::Claims | Dir::Cancelled => TaskEpoch::parse(name).is_some(),
        Dir::Rejected => TaskEpoch::parse(name.trim_end_matches(".error.txt")).is_some(),
        Dir::Workers | Dir::Gone | Dir::Retire => WorkerId::parse(name).is_some(),
        Dir::Done | Dir::Failed => AttemptName::parse(name).is_some(),
        Dir::Runs | Dir::Cancel => TaskId::parse(name).is_some(),
        Dir::Tmp => name.len() == 16 && hex(name) || name.strip_prefix("format-").is_some_and(hex),
        // Anybody's names are there to be taken in; those of editors and copiers are not.
        Dir::Pending => {
            let unfinished = ["~", ".tmp", ".swp", ".part"].iter().any(|end| name.ends_with(end));
            let locked = name.starts_with('#') && name.ends_with('#');
            !(unfinished || locked || name.starts_with('.'))
        }
        Dir::Accounts | Dir::Log => false,
    }
}

/// Takes every file that can be parsed, for an agent without a worktree.
struct Anything;

impl IntakeCheck for Anything {
    fn admit(&self, dropped: &Dropped<'_>) -> IntakeDecision {
        let name = dropped.name.to_string_lossy();
        let known = taskfile::ParseContext {
            agents: &["sh"],
            rigs: &[],
            reserved: &Default::default(),
            caps: Default::default(),
            task_caps: Default::default(),
        };
        match taskfile::parse(&name, dropped.bytes, &known) {
            Ok(spec) => IntakeDecision::Ready(Box::new(TaskRecord {
                schema: 1,
                id: dropped.id.clone(),
                name: name.into_owned(),
                taken_at: UnixMs(1_795_172_864_000),
                title: spec.title,
                agent: spec.agent,
                priority: spec.priority.unwrap_or_default(),
                labels: spec.labels,
                origin: None,
            })),
            Err(problems) => {
                let report =
                    taskfile::explain(&name, dropped.bytes, dropped.id.as_str(), &problems);
                IntakeDecision::Rejected { problems, report }
            }
        }
    }
}

/// What the housekeeping of a worker does, short of killing processes. What anybody put there is no reason for an
/// error that would keep everything else from being done.
fn tend(queue: &Queue, root: &Path) {
    let mut drops = DropZone::default();
    drops.waiting(queue).expect("counted");
    let names = drops.settled(queue, usize::MAX).expect("looked at");
    queue.take_in(&names, &Anything).expect("taken in");
    for name in queue.unfinished_intakes(&mut Sightings::default()).expect("listed") {
        unless_in_the_way(queue.finish_intake(&name, &Anything));
    }
    for id in queue.cancel_requests().expect("listed") {
        unless_in_the_way(queue.carry_out(&id));
    }
    queue.sweep_torn().expect("swept");
    for claim in queue.dead_claims().expect("listed") {
        let worker = claim.card.id.clone();
        let lost = Lost { worker, noticed_at: UnixMs(0), evidence: "test".into() };
        unless_in_the_way(queue.reclaim(&claim, &lost, 2));
    }
    for name in queue.blocked().expect("listed") {
        if name.reason.as_ref().is_some_and(|reason| reason.due(UnixMs(1_795_172_864_000))) {
            unless_in_the_way(queue.unblock(&name));
        }
    }
    queue.sweep().expect("swept");
    queue.unfinished().expect("counted");
    queue.closed_accounts(UnixMs(0)).expect("listed");
    queue.gone_since().expect("listed");
    assert!(root.join("queue/FORMAT").is_file());
}

/// One task may be kept from moving by what stands where its name or its record should go; nothing else is an excuse.
#[track_caller]
fn unless_in_the_way<T>(moved: Result<T, QueueError>) {
    match moved {
        Err(QueueError::Fs(e)) if e.in_the_way() => {}
        moved => drop(moved.expect("moved")),
    }
}

/// What `status`, `show`, `explain`, `logs` and `find` do.
fn look(queue: &Queue, root: &Path) {
    let seen = view(queue, root, Scope::ALL).expect("seen");
    assert_harmless("status", &text::status(&seen, false, Style::PLAIN));
    assert_eq!(serde_json::to_value(json::status(&seen)).unwrap()["schema"], 1);
    let config = Config::built_in(root.to_owned(), swarmdir::agent::program::all());
    let named = entries(&queue.paths().dir(Dir::Runs));
    let listed = seen.tasks.iter().filter_map(|row| row.id.clone());
    let recorded = named.iter().filter_map(|name| TaskId::parse(name.to_str()?));
    for id in listed.chain(recorded) {
        queue.find(id.tail()).expect("looked for");
        let Ok(task) = show::task(queue, &id) else { continue };
        assert_harmless("show", &show::text(&task, Style::PLAIN));
        assert_eq!(show::json(&task)["schema"], 1);
        let why = explain::explain(queue, &config, &id, None).expect("explained");
        assert_harmless("explain", &why.text());
        if let Some(mut log) = logs::follow(queue, &id, None, false).expect("looked for") {
            while let Ok(Some(part)) = log.more() {
                assert_harmless("logs", &String::from_utf8_lossy(&part));
            }
            assert_harmless("logs", &String::from_utf8_lossy(&log.rest()));
        }
    }
    queue.find("../../etc").expect("looked for");
}
