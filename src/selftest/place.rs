//! What the queue needs of a file system, each tried in the very place.

use std::path::Path;

use super::report::Report;
use crate::sys::fs::{self, Linked, Renamed, Result};
use crate::sys::settled::{Writers, writers};
use crate::sys::{clock, disk};

/// So many calls are timed.
const ROUNDS: u32 = 50;

/// Tries everything in a directory of its own; what cannot be is an invariant `FS` that broke.
pub(super) fn examine(dir: &Path, report: &mut Report) {
    report.section("file system");
    report.tell("kind", disk::kind(dir).unwrap_or("(another)"));
    type Try = fn(&Path) -> Result<std::result::Result<String, String>>;
    let tries: [(&str, Try); 6] = [
        ("hard links", links),
        ("renames", renames),
        ("one inode by two names", inodes),
        ("mtime", touches),
        ("fsync", syncs),
        ("leases", leases),
    ];
    for (what, attempt) in tries {
        let place = dir.join("place");
        let tried = fs::mkdirs(&place).and_then(|()| attempt(&place));
        let found = match tried {
            Ok(Ok(found)) => found,
            Ok(Err(wrong)) => {
                report.judge("FS", vec![format!("{what}: {wrong}")]);
                wrong
            }
            Err(e) => {
                report.judge("FS", vec![format!("{what}: {e}")]);
                e.to_string()
            }
        };
        report.tell(what, found);
        // The next pass tries it again.
        drop(fs::remove_tree(&place));
    }
    report.judge("FS", Vec::new());
}

fn timed(mut call: impl FnMut(u32) -> Result<()>) -> Result<u64> {
    let begun = clock::mono_us();
    for round in 0..ROUNDS {
        call(round)?;
    }
    Ok((clock::mono_us() - begun) / u64::from(ROUNDS))
}

fn links(dir: &Path) -> Result<std::result::Result<String, String>> {
    let file = dir.join("file");
    fs::write(&file, b"x")?;
    let us = timed(|n| fs::link(&file, &dir.join(n.to_string())).map(drop))?;
    Ok(match fs::link(&file, &dir.join("0"))? {
        Linked::Exists => Ok(format!("{us} µs; a name that exists is refused")),
        other => Err(format!("a second link to one name: {other:?}")),
    })
}

fn renames(dir: &Path) -> Result<std::result::Result<String, String>> {
    let (a, b) = (dir.join("a"), dir.join("b"));
    fs::mkdirs(&a)?;
    fs::mkdirs(&b)?;
    fs::write(&a.join("0"), b"x")?;
    let us = timed(|n| {
        let (from, to) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        fs::rename(&from.join(n.to_string()), &to.join((n + 1).to_string())).map(drop)
    })?;
    Ok(match fs::rename(&a.join("0"), &b.join("z"))? {
        Renamed::Gone => Ok(format!("{us} µs; a name that is gone is refused")),
        Renamed::Done => Err("a name that is gone was renamed".into()),
    })
}

fn inodes(dir: &Path) -> Result<std::result::Result<String, String>> {
    let (one, two) = (dir.join("one"), dir.join("two"));
    fs::write(&one, b"x")?;
    fs::link(&one, &two)?;
    let id = |path: &Path| Ok(fs::look(path)?.as_ref().map(fs::file_id));
    let same = id(&one)? == id(&two)?;
    Ok(if same { Ok("the same".into()) } else { Err("two names of one file differ".into()) })
}

fn touches(dir: &Path) -> Result<std::result::Result<String, String>> {
    let file = dir.join("file");
    fs::write(&file, b"x")?;
    let mtime = || Ok(fs::look(&file)?.as_ref().map_or(0, fs::mtime_ns));
    let mut last = mtime()?;
    let mut steps = 0;
    for _ in 0..ROUNDS {
        fs::touch(&file)?;
        let now = mtime()?;
        if now < last {
            return Ok(Err("touching a file made it older".into()));
        }
        steps += u32::from(now > last);
        last = now;
    }
    Ok(Ok(format!("{steps} of {ROUNDS} touches told apart (the counter tells the rest)")))
}

fn syncs(dir: &Path) -> Result<std::result::Result<String, String>> {
    let file = timed(|n| fs::write_synced(&dir.join(n.to_string()), b"x", true))?;
    let names = timed(|_| fs::sync(dir))?;
    Ok(Ok(format!("{file} µs a new file, {names} µs a directory")))
}

fn leases(dir: &Path) -> Result<std::result::Result<String, String>> {
    let path = dir.join("file");
    let writer = fs::create_new(&path)?;
    let told = writers(&fs::open(&path)?);
    drop(writer);
    let quiet = writers(&fs::open(&path)?);
    Ok(match (told, quiet) {
        (Writers::Some, Writers::None) => Ok("a file that is being written is seen".into()),
        (Writers::Unknown, _) => Ok("none here: dropped files rest for 1.5 s".into()),
        _ => Err("a lease does not tell whether a file is being written".into()),
    })
}
