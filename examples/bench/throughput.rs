//! Whole tasks a second: from files in `pending/` to names in `done/`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::lab::{Contender, Lab, Root, contest, done, installed};
use crate::peers;
use crate::table::Row;

/// Without git: `/bin/true`, two at a time.
pub(crate) fn plain(lab: &Lab) -> Vec<Row> {
    let count = lab.size(2_000, 50);
    let ours = |durability: &'static str| {
        move || {
            let root = Root::new(lab.place("root"), durability, &["/bin/true"], false);
            root.drop_tasks(count, "do it\n");
            count as f64 / root.drain(2, count).as_secs_f64()
        }
    };
    let mut contenders: Vec<Contender<'_>> = vec![
        ("relaxed", Box::new(ours("relaxed"))),
        ("xargs -P2", Box::new(move || peers::xargs(count))),
        ("strict", Box::new(ours("strict"))),
        ("posix_spawn", Box::new(move || peers::posix_spawn(count))),
    ];
    if installed("python3") {
        contenders.push(("SQLite FULL", Box::new(move || peers::sqlite(lab, count))));
    }
    let few = lab.size(500, 20);
    if installed("tsp") {
        contenders.push(("tsp", Box::new(move || peers::tsp(lab, few))));
    }
    if installed("nq") {
        contenders.push(("nq", Box::new(move || peers::nq(lab, few))));
    }
    if installed("pueue") && installed("pueued") {
        contenders.push(("pueue", Box::new(move || peers::pueue(lab, lab.size(24, 4)))));
    }
    let rates = contest(lab.size(5, 1), &mut contenders);
    rows(&rates)
}

fn rows(rates: &[(&'static str, f64)]) -> Vec<Row> {
    let of = |name: &str| rates.iter().find(|(known, _)| *known == name).map(|(_, rate)| *rate);
    let mut rows = Vec::new();
    for (ours, peer, aim) in [
        ("relaxed", "xargs -P2", Some(1.0)),
        ("relaxed", "pueue", Some(100.0)),
        ("relaxed", "tsp", None),
        ("relaxed", "nq", None),
        ("relaxed", "posix_spawn", None),
        ("strict", "SQLite FULL", Some(1.0)),
        ("strict", "xargs -P2", Some(0.5)),
    ] {
        let what = format!("tasks, {ours}, 2 workers");
        rows.push(match (of(ours), of(peer)) {
            (Some(rate), Some(other)) => Row::rates(&what, "/s", rate, (peer, other), aim),
            _ => Row::skipped(&what, peer),
        });
    }
    rows
}

const COMMIT: &str = "echo work > \"f$SWARMDIR_TASK\" && git add -A && git commit -qm work";

/// With a worktree and a commit.
pub(crate) fn with_git(lab: &Lab) -> Vec<Row> {
    let count = lab.size(200, 6);
    let mut contenders: Vec<Contender<'_>> = vec![
        (
            "ours",
            Box::new(|| {
                let place = lab.place("git-root");
                repository(&place, 100);
                let root = Root::new(place, "relaxed", &["sh", "-c", COMMIT], true);
                root.drop_tasks(count, "do it\n");
                count as f64 / root.drain(2, count).as_secs_f64()
            }),
        ),
        (
            "shell loop",
            Box::new(|| {
                let place = lab.place("git-loop");
                repository(&place, 100);
                let begun = Instant::now();
                done(
                    Command::new("sh")
                        .args(["-c", LOOP])
                        .env("COUNT", count.to_string())
                        .current_dir(&place),
                );
                count as f64 / begun.elapsed().as_secs_f64()
            }),
        ),
    ];
    let rates = contest(lab.size(3, 1), &mut contenders);
    let (ours, peer) = (rates[0].1, rates[1]);
    let what = "tasks with worktree and commit, relaxed, 2 workers";
    vec![Row::rates(what, "/s", ours, peer, Some(1.0))]
}

/// Two loops of `git worktree add`, commit and remove side by side, as there are two workers.
const LOOP: &str = r#"
one() {
    for n in $(seq "$1" 2 "$COUNT"); do
        git worktree add -q -b "b$n" "../trees-$$/t$n" || exit 1
        (cd "../trees-$$/t$n" && echo work > "f$n" && git add -A && git commit -qm work)
        git worktree remove "../trees-$$/t$n" || exit 1
    done
}
# Removing the last worktree would take a directory away that the other loop is about to write to.
git worktree add -q -b keep "../trees-$$/keep"
one 1 & one 2 & wait
test "$(git branch --list 'b*' | wc -l)" -eq "$COUNT"
"#;

/// A repository of so many small files.
pub(crate) fn repository(place: &Path, files: usize) {
    let git = |args: &[&str]| done(Command::new("git").args(args).current_dir(place));
    git(&["init", "-q", "-b", "main"]);
    for setting in [["user.name", "Bench"], ["user.email", "bench@example.org"], ["gc.auto", "0"]] {
        git(&["config", setting[0], setting[1]]);
    }
    for n in 0..files {
        let dir = place.join(format!("d{}/s{}", n / 2_500, n / 100));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(format!("f{n}")), format!("content {n}\n").repeat(9)).unwrap();
    }
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "base"]);
}
