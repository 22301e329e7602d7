//! Helpers of one thread, beside another that sweeps and reaps.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use swarmdir::sys::grace::Grace;
use swarmdir::sys::helper::{self, Helper};
use swarmdir::sys::spawn::Exit;
use swarmdir::sys::{daemon, sweep};

use crate::support::alone::{alone, this_test};

#[test]
fn nobody_else_takes_the_status_of_a_helper_or_ends_it() {
    alone(this_test!(), || {
        sweep::become_subreaper().unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(daemon::reap(), []);
                    let swept = sweep::descendants(HashSet::new(), &mut Grace::new(), 1_000);
                    assert_eq!((swept.killed, swept.left), (0, 0));
                }
            });
            let args = ["-c".into(), "read line; exit 7".into()];
            let (program, cwd) = (Path::new("/bin/sh"), Path::new("/"));
            for _ in 0..200 {
                let stdin = b"x\n";
                let asked = Helper { program, args: &args, env: &[], cwd, stdin, limit_ms: 60_000 };
                let answer = helper::run(&asked).unwrap();
                assert_eq!((answer.exit, answer.late), (Some(Exit::Code(7)), false));
            }
            over.store(true, Ordering::Relaxed);
        });
    });
}
