//! Waiting for several descriptors at once, and a bell that other threads ring.
//!
//! It knows nothing of what the descriptors mean. Invariant: no wait here burns time, and a ring is never
//! lost.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Waits until one of the descriptors can be read (or has ended), or for so many milliseconds; `None`
/// waits for ever. An absent descriptor is never ready.
pub fn wait<const N: usize>(
    descriptors: [Option<BorrowedFd<'_>>; N],
    timeout_ms: Option<u64>,
) -> io::Result<[bool; N]> {
    let present: Vec<BorrowedFd<'_>> = descriptors.iter().flatten().copied().collect();
    let mut polled: Vec<PollFd<'_>> =
        present.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    // A longer wait than poll takes ends early, and the caller's own clock starts it again.
    let timeout = timeout_ms.map_or(PollTimeout::NONE, |ms| {
        PollTimeout::try_from(i32::try_from(ms).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut polled, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let mut answers = polled.iter().map(|fd| fd.any().unwrap_or(false));
    Ok(descriptors.map(|fd| fd.is_some() && answers.next().unwrap_or(false)))
}

/// Waits for ever until one of the descriptors can be read (or has ended); which ones, in their order.
pub fn any(descriptors: &[BorrowedFd<'_>]) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> =
        descriptors.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    match poll(&mut polled, PollTimeout::NONE) {
        Ok(_) => Ok(polled.iter().map(|fd| fd.any().unwrap_or(false)).collect()),
        Err(Errno::EINTR) => Ok(vec![false; descriptors.len()]),
        Err(errno) => Err(errno.into()),
    }
}

#[derive(Debug)]
pub struct WakePipe {
    reader: PipeReader,
    writer: PipeWriter,
}

impl WakePipe {
    pub fn new() -> io::Result<WakePipe> {
        let (reader, writer) = io::pipe()?;
        Ok(WakePipe { reader, writer })
    }

    /// Rings. The caller rings once for each time that it was silenced, or a pipe's length at most.
    pub fn ring(&self) {
        // It can only fail where nobody will ever wait again.
        let _ = (&self.writer).write(&[0]);
    }

    /// Takes one ring; blocks unless it is ready.
    pub fn silence(&self) {
        let _ = (&self.reader).read(&mut [0]);
    }
}

impl AsFd for WakePipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_ends_the_wait_and_the_silent_one_times_out() {
        let (loud, silent) = (WakePipe::new().unwrap(), WakePipe::new().unwrap());
        loud.ring();
        let fds = [Some(silent.as_fd()), None, Some(loud.as_fd())];
        assert_eq!(wait(fds, None).unwrap(), [false, false, true]);
        loud.silence();
        assert_eq!(wait([Some(loud.as_fd())], Some(0)).unwrap(), [false]);
    }
}
