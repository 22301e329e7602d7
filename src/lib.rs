//! swarmdir: a directory is the whole queue. The map of the program, on one page.
//!
//! A task is a file, what it is called says what state it is in, and `rename(2)` decides every race. Any process
//! may die at any instruction: no task is lost, and at worst one is run again. `queue/README.md` is the
//! specification of the directory; this page says how the program around it is built.
//!
//! # Layers
//!
//! ```text
//!  bin/coordinator  bin/worker                  a line each
//!        └──────┬───────┘
//!              cli                              words, settings, JSON, exit codes; the only one that prints
//!           commands                            every act of a person, behind one door; prints nothing
//!   ┌──────┬────┴────┬───────┬────────┐
//! coordinator worker views  doctor selftest gc  duties: keep a pool · work · show · examine · prove · let go
//!   └───┬──────┘       ┊       ┊        ┊   ┊
//!    housekeeping           ┊       ┊        ┊   ┊   housekeeping that coordinator and worker share
//!   ┌───┴──┬──────────┬┴───────┴┬───────┴───┘
//! queue  worktree   agent   taskfile  trust  capacity   mechanisms; none knows another
//!   │       git       │         │        │      a user's repository, and git's own command line
//!   └──────┴────┬─────┴─────────┴────────┘
//!            sys   site                         the only door to the operating system · the only one that spells paths
//!
//! domain  words, names, decisions    \
//! form    reading what people fill in } pure: everybody may use them, they use nothing above themselves
//! shape   what text looks like       /
//! ```
//!
//! Arrows go down only; modules of a row do not know each other (`coordinator` talks to `worker` through files
//! alone: that is the product). Each directory says in the last line of its `mod.rs` what it names of its neighbours; the test
//! `tidy::rooms` compares, and finds any circle of files.
//!
//! # The life of a task
//!
//! ```text
//! pending/fix.md ─ rename → blocked/5-T.0~intake ─ rename → ready/5-T.1        housekeeping::intake, queue::intake
//! claims/T.1 is linked to workers/W; the file is copied to runs/T/1.W/task     queue::claim
//! a tree is entered, the agent runs in it and is watched                       worktree::pool, agent::supervise
//! what it left is committed; outcome and result are written                    worktree::collect, domain::outcome::disposition
//! ready/5-T.1 ─ rename → done/T.1.W, failed/T.1.W or blocked/5-T.2~REASON      worker::attempt, queue::finish
//! ```
//!
//! Questions of somebody new, each answered by file and symbol, are in `CONTRIBUTING.md`, and the words in
//! `docs/glossary.md`. Start at [`worker::run`] for a task's way, at [`coordinator::run`] for the pool, at [`queue`] for a
//! transition, at [`agent::Session`] for supervision, at [`cli`] for a command.
//!
//! # Code map
//!
//! - [`domain`] — identities, names, reasons, leases, verdicts. **Architecture Invariant:** no file, no clock, no
//!   environment; a value that exists needs no second check.
//! - [`form`] — reads fields of tables and lists, whatever notation they came in, and collects every mistake.
//!   **Architecture Invariant:** it stops at no first mistake, and reads no file.
//! - [`shape`] — colour, columns, durations, money. **Architecture Invariant:** it knows no terminal.
//! - [`sys`] — files, processes, clocks, signals, locks, wake-ups. **Architecture Invariant:** it knows no task
//!   and no directory of the queue; clippy forbids the calls it wraps everywhere else.
//! - [`site`] — paths of a root, its queue, its runs. **Architecture Invariant:** pure; no name in there is spelled
//!   anywhere else (`tidy::paths` looks).
//! - [`queue`] — the protocol, a file for each row of its table. **Architecture Invariant:** every transition
//!   commits by one link, rename or unlink; it starts no process and knows no git.
//! - [`taskfile`] — one task file to a [`domain::task::spec::TaskSpec`], or all its mistakes. **Architecture
//!   Invariant:** pure; hostile bytes give problems, never a panic.
//! - [`git`] — a user's repository: objects and refs are read in process, what only git knows is done by its own
//!   command line. **Architecture Invariant:** of the user's checkout, index, HEAD and configuration nothing is changed;
//!   no program that an agent configured is started.
//! - [`worktree`] — trees, branches, what an agent left, what makes it durable. **Architecture Invariant:** a tree is
//!   the directory that was made, and nothing else in its place is touched; nothing is removed that is not committed
//!   or ignored.
//! - [`agent`] — one supervised child, three kinds behind one door. **Architecture Invariant:** it does not know
//!   why it runs; when it returns, no process of the agent is left: each was asked to end, then killed.
//! - [`rehearsal`] — a scripted agent and the service that it calls, for `demo`, selftest and tests. **Architecture
//!   Invariant:** it knows nothing of the swarm but its own environment.
//! - [`trust`] — whose a file is, and what the user said about it. **Architecture Invariant:** nothing of a
//!   repository runs by being looked at; what cannot be told counts as a stranger's.
//! - [`capacity`] — whether one more agent may start on this machine: disk, inodes, memory, the reserve, whose turn it is.
//!   **Architecture Invariant:** decisions are pure; nobody waits for a lock while he holds one, and nothing depends on one.
//! - [`housekeeping`] — take in, finish intakes, cancel, reclaim, unblock, sweep, clear trees. **Architecture
//!   Invariant:** any number may do it at once; its locks are a courtesy.
//! - [`worker`] — claims, works, publishes; a heart and a housekeeper beside it. **Architecture Invariant:** it
//!   does not know whether a coordinator exists; a worker that cannot beat has stopped its agent before anybody
//!   may judge it dead.
//! - [`coordinator`] — keeps N workers running. **Architecture Invariant:** it decides about no outcome; if it
//!   dies, the work goes on.
//! - [`views`] — what people see. **Architecture Invariant:** it changes nothing.
//! - [`doctor`] — what works here and how to mend the rest. **Architecture Invariant:** every finding was tried or
//!   read in this very place.
//! - [`selftest`] — the proof that a user can run. **Architecture Invariant:** it judges by what lies on disk and
//!   by what its witnesses saw, never by what the program under test says of itself.
//! - [`gc`] — what may go, and letting it go. **Architecture Invariant:** looking changes nothing; what it lets go
//!   is over, and what git keeps of it is saved first.
//! - [`commands`] — every act of a person as a function. **Architecture Invariant:** it prints nothing; each act takes what only
//!   its one door, `authorize`, makes.
//! - [`cli`] — arguments and words. **Architecture Invariant:** the only module that prints, the only one that reads settings.
//!
//! # Time
//!
//! Two clocks that never meet. Milliseconds of [`sys::clock::mono_ms`] count durations within one process: leases,
//! deadlines, back-off. [`domain::time::UnixMs`] is the calendar: names, "not before", and what people read.
//! Whether a worker is dead is decided by the first alone.
//!
//! # Failure
//!
//! - An *outcome* is a value: a lost race, a vanished file, a failed agent (`Transition`, `ClaimResult`, `Outcome`).
//! - An *error* is what the system would not do: disk full, permission. Each module has its own type, with what
//!   was tried, on what, and why; `cli` gives it an exit code and a hint.
//! - A *bug* is a panic: it ends the process, and recovery is another process's, as after any crash.
//!
//! Whose fault a failed attempt is, rules tell (`agent/program/*/failures.toml`, [`domain::failure::rules`]) from what the agent's own
//! program left; what follows from it is one table, [`domain::failure::policy`]: what is not the task's own costs it nothing.
//!
//! # Formats
//!
//! The queue has a format number (`queue/FORMAT`), records and `--json` a `schema`; both grow by addition
//! (`queue/README.md`, `docs/json.md`). What real agents said is kept in `tests/formats`.
//!
//! # Testing
//!
//! Unit tests stand in the file where the code is pure. `tests/it.rs` is one binary: real files, real git, real
//! processes, the scripted agent of `rehearsal`, and the real `claude` against a stub of its service. No sleeps to
//! synchronise, no retries, no ignored tests.
//!
//! # What was decided against
//!
//! - A daemon and a socket: one more thing that is down at night; `ls` and `mv` need none.
//! - SQLite: its locks do not survive every network file system, and a corrupt file is every task.
//! - `flock` as truth: it ends with a process, not with a task, and means nothing to others.
//! - Async: a worker waits for one child and one channel.
//! - A lock for each task: the rename is one already.
//! - Deciding by the claim: a link that was freed can be made again, and then two publish.

pub mod agent;
mod capacity;
pub mod cli;
mod commands;
mod coordinator;
mod doctor;
pub mod domain;
mod form;
mod gc;
pub mod git;
pub mod housekeeping;
pub mod queue;
pub mod rehearsal;
mod selftest;
pub mod shape;
pub mod site;
pub mod sys;
pub mod taskfile;
mod trust;
pub mod views;
mod worker;
pub mod worktree;
