//! What is no file, or no file for us: links, FIFOs, sockets, directories, devices, files without permission.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;

use crate::support::swarm::{Swarm, WORKER};

fn explained(swarm: &Swarm, slug: &str) -> String {
    swarm.coordinator(&["explain", slug]).exits(0).out
}

#[test]
fn what_is_no_file_is_rejected_and_never_opened() {
    let swarm = Swarm::new();
    let pending = swarm.pending();
    fs::write(swarm.beside("target"), "echo x > x.txt\n").unwrap();
    symlink(swarm.beside("target"), pending.join("link")).unwrap();
    symlink("/nowhere", pending.join("dangling")).unwrap();
    mkfifo(&pending.join("fifo"), Mode::S_IRWXU).unwrap();
    fs::create_dir(pending.join("folder")).unwrap();
    fs::write(pending.join("folder/inside.md"), "kept\n").unwrap();
    let _listener = UnixListener::bind(pending.join("socket")).unwrap();
    let null = mknod(&pending.join("device"), SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, 3));
    let devices = usize::from(null.is_ok());
    swarm.drop("good", "echo x > x.txt");
    swarm.worker(&["--drain"]).exits(1);
    assert_eq!(swarm.counts(), format!("done 1, rejected {}", 5 + devices));
    for (slug, word) in [
        ("link", "symbolic link"),
        ("dangling", "symbolic link"),
        ("fifo", "FIFO"),
        ("folder", "directory"),
        ("socket", "socket"),
    ] {
        assert!(explained(&swarm, slug).contains(word), "{slug}: {}", explained(&swarm, slug));
    }
    if devices == 1 {
        assert!(explained(&swarm, "device").contains("device"));
    }
    // Nothing is lost: what was in the directory is there, the link's target was not touched.
    let folder =
        swarm.names("rejected").into_iter().find(|n| n.contains("-folder-") && !n.ends_with("txt"));
    let kept = swarm.at("queue/rejected").join(folder.unwrap()).join("inside.md");
    assert_eq!(fs::read_to_string(kept).unwrap(), "kept\n");
    assert!(swarm.beside("target").exists());
}

fn hand_over(dir: &Path, uid: u32) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        chown(&path, Some(uid), Some(uid)).unwrap();
        if entry.file_type().unwrap().is_dir() {
            hand_over(&path, uid);
        }
    }
    chown(dir, Some(uid), Some(uid)).unwrap();
}

/// As root nothing is unreadable, so there the worker runs as somebody else.
#[test]
fn a_file_without_permission_is_rejected_and_retried_when_it_is_readable() {
    let swarm = Swarm::new();
    let nobody = nix::unistd::geteuid().is_root().then_some(65_534);
    let file = swarm.drop("secret", "echo x > x.txt");
    fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    let mut command = swarm.command(WORKER);
    command.arg("--drain");
    if let Some(uid) = nobody {
        hand_over(swarm.root().parent().unwrap(), uid);
        chown(swarm.at("queue/pending/secret"), Some(0), Some(0)).unwrap();
        command.uid(uid).gid(uid);
    }
    let mut again = swarm.command(WORKER);
    again.arg("--drain");
    if let Some(uid) = nobody {
        again.uid(uid).gid(uid);
    }
    swarm.start(&mut command).end().exits(1);
    let said = explained(&swarm, "secret");
    assert!(said.contains("cannot be opened") && said.contains("ermission"), "{said}");
    let names = swarm.names("rejected");
    let kept = swarm.at("queue/rejected").join(names.iter().find(|n| !n.ends_with("txt")).unwrap());
    fs::set_permissions(&kept, Permissions::from_mode(0o644)).unwrap();
    swarm.coordinator(&["retry", "secret"]).exits(0);
    if let Some(uid) = nobody {
        hand_over(&swarm.at("queue"), uid);
    }
    swarm.start(&mut again).end().exits(0);
    assert_eq!(swarm.counts(), "done 1");
}
