//! The pool's decisions, case by case.

use super::*;

#[test]
fn the_pool_is_brought_to_its_size() {
    let now = PoolSlot::Empty { not_before_ms: 0 };
    let later = PoolSlot::Empty { not_before_ms: 9 };
    let (running, finished) = (PoolSlot::Running, PoolSlot::Finished);
    let table: [(&[PoolSlot], usize, &[PoolAction]); 8] = [
        (&[], 2, &[]),
        (&[now, now], 2, &[PoolAction::Spawn(0), PoolAction::Spawn(1)]),
        (&[running, now], 2, &[PoolAction::Spawn(1)]),
        (&[running, running, running], 1, &[PoolAction::Retire(1), PoolAction::Retire(2)]),
        (&[running], 0, &[PoolAction::Retire(0)]),
        (&[later], 1, &[]),
        (&[finished], 1, &[]),
        (&[now, running, now], 2, &[PoolAction::Spawn(0)]),
    ];
    for (slots, wanted, actions) in table {
        assert_eq!(scale_to(slots, wanted, 5), actions, "{slots:?} to {wanted}");
    }
}

#[test]
fn workers_that_die_at_once_are_replaced_later_and_later_and_trip_the_breaker() {
    let mut backoff = RespawnBackoff::default();
    let mut waits = Vec::new();
    for _ in 0..EARLY_LOSSES_MAX {
        assert!(!backoff.is_tripped());
        backoff = backoff.after(WorkerExit::DiedEarly);
        match backoff.slot_after(WorkerExit::DiedEarly, false, 0) {
            PoolSlot::Empty { not_before_ms } => waits.push(not_before_ms),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, [2_000, 4_000, 8_000, 16_000, 32_000]);
    assert!(backoff.is_tripped() && backoff.after(WorkerExit::Killed).is_tripped());
    let much_later = RespawnBackoff { early_losses: 99 };
    let slot = much_later.slot_after(WorkerExit::DiedEarly, false, 7);
    assert_eq!(slot, PoolSlot::Empty { not_before_ms: 7 + RESPAWN_CAP_MS });
}

#[test]
fn what_an_end_says_of_the_next_worker() {
    let before = RespawnBackoff { early_losses: 3 };
    let empty = |not_before_ms| PoolSlot::Empty { not_before_ms };
    // how it ended, losses in a row then, its slot in a drain and else
    let table = [
        (WorkerExit::Finished, 0, PoolSlot::Finished, empty(1_007)),
        (WorkerExit::Recycled, 0, empty(7), empty(7)),
        (WorkerExit::Killed, 3, empty(8_007), empty(8_007)),
        (WorkerExit::DiedWorking, 0, empty(1_007), empty(1_007)),
        (WorkerExit::DiedEarly, 4, empty(16_007), empty(16_007)),
    ];
    for (exit, losses, in_a_drain, else_) in table {
        let after = before.after(exit);
        assert_eq!(after.early_losses, losses, "{exit:?}");
        assert_eq!(after.slot_after(exit, true, 7), in_a_drain, "{exit:?}");
        assert_eq!(after.slot_after(exit, false, 7), else_, "{exit:?}");
    }
}

#[test]
fn a_drain_ends_when_nothing_is_left_that_this_run_can_do() {
    let (later, done) = (DrainStep::End { later: true }, DrainStep::End { later: false });
    // what is left, short, paused, unsettled
    let table = [
        (Remaining::Empty, false, false, false, done),
        (Remaining::Empty, false, false, true, DrainStep::Restart),
        (Remaining::Later, false, false, false, later),
        (Remaining::Later, false, false, true, DrainStep::Restart),
        (Remaining::Busy, false, false, false, DrainStep::Restart),
        (Remaining::Busy, true, false, false, later),
        (Remaining::Busy, false, true, false, later),
        (Remaining::Empty, false, true, true, later),
    ];
    for (left, short, paused, unsettled, step) in table {
        let found = drain_step(left, short, paused, unsettled);
        assert_eq!(found, step, "{left:?} short {short} paused {paused} unsettled {unsettled}");
    }
}

#[test]
fn the_second_interrupt_stops_what_the_first_one_let_end() {
    use Signal::{Child, HangUp, Interrupt, Terminate};
    let (running, finishing) = (Phase::Running, Phase::Finishing(Interrupt));
    let stopping = Phase::Stopping(Terminate, 1);
    let table = [
        (Interrupt, running, SignalAction::Finish),
        (Interrupt, finishing, SignalAction::Stop),
        (Interrupt, stopping, SignalAction::None),
        (Terminate, running, SignalAction::Stop),
        (Terminate, finishing, SignalAction::Stop),
        (Terminate, stopping, SignalAction::None),
        (HangUp, stopping, SignalAction::Reload),
        (Child, running, SignalAction::None),
    ];
    for (signal, phase, action) in table {
        assert_eq!(on_signal(signal, phase), action, "{signal:?} while {phase:?}");
    }
}
