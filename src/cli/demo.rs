//! `demo`: the real coordinator, workers and git on a temporary repository, with the scripted agent.
//!
//! One task fails, one hangs and is stopped, one worker is killed with -9 and its task recovered. Everything
//! that is printed at the end can be verified with the git commands beside it.

use std::path::{Path, PathBuf};

use super::args::{Common, Run};
use super::config::{self, Flags};
use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use super::progress::Progress;
use crate::coordinator::PoolObserver;
use crate::git::sample;
use crate::queue::Queue;
use crate::site::Dir;
use crate::sys::{clock, env, fs, process, random};
use crate::views::rows::Scope;
use crate::views::summary::{Commands, summary};
use crate::views::view::view;

/// The task whose worker is killed.
const VICTIM: &str = "survive-a-crash";

const SETTINGS: &str = "\
agents = 3
agent = \"demo\"

[timeouts]
silence = \"3s\"        # so that the task that hangs does not take long
interrupt_grace = \"500ms\"
terminate_grace = \"500ms\"
";

const TASKS: [(&str, &str); 6] = [
    (
        "add-a-greeting.md",
        "---\ntitle: Add a greeting\n---\nwrite greeting.txt Hello from the swarm\ncommit Add a greeting\ncost 0.04\nsay added greeting.txt\n",
    ),
    (
        "forget-to-commit.md",
        "---\ntitle: Edit and forget to commit\n---\nappend README.md \\nEdited by an agent that forgot to commit.\ncost 0.03\nsay edited README.md\n",
    ),
    (
        "two-steps.md",
        "---\ntitle: Two steps, first in line\npriority: 1\n---\nwrite a.txt one\ncommit First step\nsleep 1s\nwrite b.txt two\ncommit Second step\ncost 0.11\n",
    ),
    ("red-tests.md", "write broken.txt draft\nsleep 300ms\ncost 0.02\nfail the tests are red\n"),
    ("hang.md", "say thinking about it\nhang\n"),
    (
        "survive-a-crash.md",
        "write survivor.txt first half\nattempt 1 sleep 60s\nappend survivor.txt second half\ncommit Survive a crash\ncost 0.07\n",
    ),
];

/// Runs the demonstration.
pub(super) fn demo(common: &Common, dir: Option<&Path>) -> CommandResult {
    let dir = match dir {
        Some(dir) => dir.to_owned(),
        None => temporary(),
    };
    let repository = make_repository(&dir)?;
    let common = Common { root: Some(repository.clone()), ..common.clone() };
    let context = Context::new(&common, Flags::default())?;
    let queue = context.queue_or_make()?;
    for (name, text) in TASKS {
        fs::write(&queue.paths().file(Dir::Pending, name), text.as_bytes())?;
    }
    context.ui.say(&format!(
        "a repository in {}, six task files in its queue/pending",
        repository.display()
    ));
    let since = clock::now();
    let progress = Progress::new(&context, &queue, false, since);
    let mut show = Show { progress, killed: false };
    let run = Run { drain: true, ..Run::default() };
    let ended =
        super::run::pool(&context, &run, &queue, &super::run::only_one(&context)?, &mut show);
    show.progress.end(&queue);
    ended?;
    let seen = view(&queue, &repository, Scope::ALL)?;
    let shown = repository.display().to_string();
    // Run from a checkout of this program, it is on nobody's PATH.
    let own =
        env::current_exe().map_or_else(|_| "coordinator".into(), |exe| exe.display().to_string());
    let program = context.program(&own);
    let commands = Commands { program: &program, repository: &shown };
    let period = (since, clock::now());
    context.ui.print(&format!("\n{}", summary(&seen, period, &commands, context.ui.style())))?;
    context.ui.print(&verify(&shown, &program))?;
    let sound = queue.check()?.is_empty();
    context.ui.say(if sound {
        "the queue is sound"
    } else {
        "the queue is not sound: coordinator check"
    });
    Ok(if sound && as_promised(&seen) { exit::OK } else { exit::FOUND })
}

/// Four well done, one failed, one hung: anything else is a defect of this program.
fn as_promised(seen: &crate::views::view::View) -> bool {
    use crate::domain::task::state::State;
    let of = |state| seen.counts.get(&state).copied().unwrap_or(0);
    of(State::Done) == 4 && of(State::Failed) == 2
}

fn temporary() -> PathBuf {
    let base = env::var("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    base.join(format!("swarmdir-demo-{:08x}", random::number() as u32))
}

/// A repository with one commit, and an author of its own: a fresh machine has none.
fn make_repository(dir: &Path) -> Result<PathBuf, Failure> {
    if fs::exists(dir) {
        return Err(Failure::usage(format!("{dir:?} exists")).hint("coordinator demo --dir NEW"));
    }
    let repository = dir.join("repository");
    fs::mkdirs_with_umask(&repository)?;
    let repository = fs::canonical(&repository)?;
    fs::write_with_umask(&repository.join("README.md"), b"# A repository to play with\n")?;
    config::write_new(&repository, SETTINGS)?;
    sample::repository(&repository)
        .map_err(|why| Failure::new(exit::MISSING, why).hint("coordinator doctor"))?;
    Ok(repository)
}

fn verify(repository: &str, program: &str) -> String {
    let path = shell_words::quote(repository);
    let parent = Path::new(repository).parent().unwrap_or(Path::new("/")).display().to_string();
    format!(
        "\nsee for yourself:\n  git -C {path} log --oneline --graph --all\n  git -C {path} fsck\n  \
         {program} status\n  rm -rf {}    # when you have seen enough\n",
        shell_words::quote(&parent)
    )
}

/// Shows progress, and kills one worker in the middle of its task.
struct Show {
    progress: Progress,
    killed: bool,
}

impl Show {
    /// The worker that is at work on the victim's first attempt.
    fn target(queue: &Queue) -> Option<crate::queue::register::Card> {
        let claim = queue.claims().ok()?.into_iter().find(|claim| claim.at.id.slug() == VICTIM)?;
        let name =
            crate::domain::task::name::AttemptName { at: claim.at, worker: claim.card.id.clone() };
        let begun = fs::exists(&queue.paths().attempt(&name).events());
        begun.then_some(claim.card)
    }
}

impl PoolObserver for Show {
    fn say(&mut self, line: &str) {
        self.progress.say(line);
    }

    fn tick(&mut self, queue: &Queue, running: usize, wanted: usize) {
        if !self.killed
            && let Some(card) = Show::target(queue)
        {
            self.killed = true;
            process::kill_and_see_dead(&card.process, 2_000);
            self.say(&format!("kill -9 {} (the worker on {VICTIM})", card.process.pid));
        }
        self.progress.tick(queue, running, wanted);
    }
}
