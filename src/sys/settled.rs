//! Whether somebody still writes to a file: asked of the kernel where it answers.

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;

/// The kernel's word on writers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writers {
    /// Nobody has it open for writing.
    None,
    /// Somebody has.
    Some,
    /// This file system (or this user, for another's file) gets no answer: judge by two looks.
    Unknown,
}

/// Asks by taking a read lease and giving it back at once: it is refused while a writer has the file open.
pub fn writers(file: &File) -> Writers {
    match set_lease(file, libc::F_RDLCK) {
        Ok(()) => {
            // Giving back cannot fail for a lease that is held, and the close would do it too.
            let _ = set_lease(file, libc::F_UNLCK);
            Writers::None
        }
        Err(Errno::EAGAIN) => Writers::Some,
        Err(_) => Writers::Unknown,
    }
}

#[expect(unsafe_code, reason = "nix does not wrap F_SETLEASE")]
fn set_lease(file: &File, kind: i32) -> Result<(), Errno> {
    // SAFETY: fcntl with F_SETLEASE takes an int, touches no memory of ours, and the descriptor is open.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) };
    Errno::result(answer).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_is_seen_and_its_end_too() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("f");
        let writer = File::create(&path).expect("made");
        let reader = File::open(&path).expect("opened");
        assert_eq!(writers(&reader), Writers::Some);
        drop(writer);
        // A process that another test is starting may have inherited the writer; it goes with its program.
        let begun = std::time::Instant::now();
        while writers(&reader) == Writers::Some && begun.elapsed().as_secs() < 60 {
            std::thread::yield_now();
        }
        assert_eq!(writers(&reader), Writers::None);
    }
}
