//! The pool's decisions, pure: from what became of each slot to what happens now.
//!
//! A worker that ends is replaced, at most one a second in each slot, later and later while they die before
//! their first claim; when several in a row do, the breaker opens: something is wrong that more processes
//! will not mend.

/// The shortest time between two starts in a slot, milliseconds.
pub const RESPAWN_MS: u64 = 1_000;
/// The longest, milliseconds.
pub const RESPAWN_CAP_MS: u64 = 60_000;
/// So many in a row that died before their first claim open the breaker.
pub const BREAKER: u32 = 5;

/// How a worker's process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// By itself, as it should (also with failed tasks).
    Finished,
    /// By itself, after as many tasks as a worker of a pool does.
    Recycled,
    /// Somebody killed it: that says nothing about the next one.
    Killed,
    /// It failed or crashed after it had claimed a task.
    DiedWorking,
    /// It failed or crashed before it ever claimed one.
    DiedEarly,
}

/// What is known of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// A worker runs in it.
    Running,
    /// Empty; a worker may be started from then on (monotonic milliseconds).
    Empty {
        /// Not before.
        not_before_ms: u64,
    },
    /// In a drain: its worker found nothing left.
    Finished,
}

/// The pool's memory of misfortune.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Misfortune {
    /// Workers in a row that died before their first claim.
    pub early_deaths: u32,
}

impl Misfortune {
    /// What a worker's end says.
    #[must_use]
    pub fn after(self, exit: Exit) -> Misfortune {
        match exit {
            Exit::Killed => self,
            Exit::Finished | Exit::Recycled | Exit::DiedWorking => Misfortune::default(),
            Exit::DiedEarly => Misfortune { early_deaths: self.early_deaths + 1 },
        }
    }

    /// Whether starting more is pointless for now.
    pub fn breaker_open(self) -> bool {
        self.early_deaths >= BREAKER
    }

    /// The slot of a worker that ended at `now_ms`.
    pub fn slot_after(self, exit: Exit, drain: bool, now_ms: u64) -> Slot {
        if exit == Exit::Finished && drain {
            return Slot::Finished;
        }
        if exit == Exit::Recycled {
            return Slot::Empty { not_before_ms: now_ms };
        }
        let doubled = RESPAWN_MS << self.early_deaths.min(10);
        Slot::Empty { not_before_ms: now_ms + doubled.min(RESPAWN_CAP_MS) }
    }
}

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Start a worker in this slot.
    Spawn(usize),
    /// Ask the worker in this slot to end after its task.
    Retire(usize),
}

/// Brings the slots to the wanted number.
pub fn decide(slots: &[Slot], wanted: usize, now_ms: u64) -> Vec<Action> {
    let mut actions = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        match slot {
            Slot::Running if index >= wanted => actions.push(Action::Retire(index)),
            Slot::Empty { not_before_ms } if index < wanted && *not_before_ms <= now_ms => {
                actions.push(Action::Spawn(index));
            }
            Slot::Running | Slot::Empty { .. } | Slot::Finished => {}
        }
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_brought_to_its_size() {
        let now = Slot::Empty { not_before_ms: 0 };
        assert_eq!(decide(&[now, now], 2, 5), [Action::Spawn(0), Action::Spawn(1)]);
        assert_eq!(decide(&[Slot::Running, Slot::Running], 1, 5), [Action::Retire(1)]);
        assert_eq!(decide(&[Slot::Empty { not_before_ms: 9 }], 1, 5), []);
        assert_eq!(decide(&[Slot::Finished], 1, 5), []);
    }

    #[test]
    fn workers_that_die_at_once_come_back_later_and_later_and_open_the_breaker() {
        let mut luck = Misfortune::default();
        let mut waits = Vec::new();
        for _ in 0..BREAKER {
            luck = luck.after(Exit::DiedEarly);
            match luck.slot_after(Exit::DiedEarly, false, 0) {
                Slot::Empty { not_before_ms } => waits.push(not_before_ms),
                other => panic!("{other:?}"),
            }
        }
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
        assert!(luck.breaker_open());
        assert!(!luck.after(Exit::DiedWorking).breaker_open());
    }

    #[test]
    fn a_recycled_worker_is_replaced_at_once_also_in_a_drain() {
        let luck = Misfortune { early_deaths: 3 }.after(Exit::Recycled);
        assert_eq!(luck, Misfortune::default());
        for drain in [false, true] {
            let slot = luck.slot_after(Exit::Recycled, drain, 7);
            assert_eq!(decide(&[slot], 1, 7), [Action::Spawn(0)]);
        }
    }

    #[test]
    fn a_death_in_a_drain_is_replaced_a_finish_is_not() {
        let luck = Misfortune::default();
        assert_eq!(luck.slot_after(Exit::Finished, true, 0), Slot::Finished);
        assert!(matches!(luck.slot_after(Exit::DiedWorking, true, 0), Slot::Empty { .. }));
    }
}
