//! A thread that does something at an interval, or sooner when it is woken.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

enum TickerOrder {
    Now,
    Stop,
}

/// Runs until it is stopped.
pub(super) struct Ticker {
    words: SyncSender<TickerOrder>,
    thread: JoinHandle<()>,
}

/// Makes a ticker tick at once.
#[derive(Clone)]
pub(super) struct Waker(SyncSender<TickerOrder>);

impl Waker {
    pub(super) fn wake(&self) {
        // Full: it is about to tick already.
        self.0.try_send(TickerOrder::Now).ok();
    }
}

impl Ticker {
    /// Runs what `make` makes every so many milliseconds (as it returns), the first time after `first_ms`.
    pub(super) fn start<Tick: FnMut() -> u64>(
        name: &str,
        first_ms: u64,
        make: impl FnOnce(Waker) -> Tick + Send + 'static,
    ) -> Ticker {
        let (words, heard) = sync_channel(1);
        let waker = Waker(words.clone());
        let run = move || {
            let mut tick = make(waker);
            let mut wait = first_ms;
            loop {
                match heard.recv_timeout(Duration::from_millis(wait)) {
                    Ok(TickerOrder::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Ok(TickerOrder::Now) | Err(RecvTimeoutError::Timeout) => wait = tick(),
                }
            }
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(run);
        Ticker { words, thread: thread.expect("a worker that cannot start a thread cannot work") }
    }

    /// Ends the thread, and waits until it has.
    pub(super) fn stop(self) {
        // It may have ended by itself; a panic there has been printed, and there is nothing to add to it.
        self.words.send(TickerOrder::Stop).ok();
        self.thread.join().ok();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn it_ticks_when_it_is_woken_and_ends_when_it_is_stopped() {
        let (wakers, waker) = channel();
        let (ticks, ticked) = channel();
        let ticker = Ticker::start("test", 3_600_000, move |waker| {
            wakers.send(waker).unwrap();
            move || {
                ticks.send(()).unwrap();
                3_600_000
            }
        });
        waker.recv().unwrap().wake();
        ticked.recv().unwrap();
        ticker.stop();
        assert!(ticked.recv().is_err());
    }
}
