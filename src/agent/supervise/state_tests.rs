//! The stop ladder and every deadline, told as stories in milliseconds.

use super::*;

const PLAN: Deadlines = Deadlines {
    speaks: true,
    startup_ms: 100,
    silence_ms: 1_000,
    wall_ms: 10_000,
    after_result_ms: 200,
    interrupt_grace_ms: Some(50),
    terminate_grace_ms: 20,
};

/// Plays events and gives the last state and all actions.
fn play(plan: Deadlines, events: &[(u64, Event)]) -> (State, Vec<Action>) {
    let mut state = State::new(plan, 0);
    let mut actions = Vec::new();
    for (at, event) in events {
        let (next, more) = step(state, *event, *at);
        state = next;
        actions.extend(more);
    }
    (state, actions)
}

const EVENT: Event = Event::Line(Sign::Event);
const END: [Action; 2] = [Action::Sweep, Action::Finish];

#[test]
fn a_good_run_ends_with_the_output_and_the_process_in_either_order() {
    for order in [[Event::StdoutClosed, Event::Exited], [Event::Exited, Event::StdoutClosed]] {
        let (state, actions) =
            play(PLAN, &[(5, EVENT), (6, Event::Line(Sign::Result)), (7, order[0]), (8, order[1])]);
        assert_eq!((state.phase, state.why), (Phase::Ended, None));
        assert_eq!(actions, END);
        assert_eq!(state.deadline(), None);
        assert_eq!(state.first_event_ms, Some(5));
    }
}

/// What a look finds where nothing moves.
const IDLE: Look = Look {
    over_ms: 1,
    cpu_ms: 0,
    changed: Some(false),
    change_ago_ms: None,
    processes: crate::domain::liveness::judgement::Processes { alive: 1, stopped: 0, stuck: 0 },
};
const LOOKED: Event = Event::Looked(IDLE);

#[test]
fn a_mute_start_is_looked_at_twice_and_stopped_rung_by_rung() {
    let (state, actions) = play(
        PLAN,
        &[
            (49, Event::Tick),
            (50, Event::Tick),
            (50, LOOKED),
            (99, Event::Tick),
            (100, Event::Tick),
            (100, LOOKED),
            (149, Event::Tick),
            (150, Event::Tick),
            (170, Event::Tick),
            (171, Event::Exited),
            (172, Event::StdoutClosed),
        ],
    );
    assert_eq!(state.why, Some(Why::Startup));
    assert_eq!(state.facts.map(|facts| facts.quiet_ms), Some(100));
    let looks = [Action::Look { first: true }, Action::Look { first: false }];
    let ladder = [Action::Interrupt, Action::Terminate, Action::Kill, Action::Sweep];
    assert_eq!(actions, [&looks[..], &ladder, &END].concat());
}

#[test]
fn a_look_that_is_due_does_not_hold_up_the_wall_and_one_that_comes_late_does_no_harm() {
    let mute = Deadlines { speaks: false, interrupt_grace_ms: None, ..PLAN };
    assert_eq!(State::new(mute, 0).deadline(), Some(500));
    let (state, actions) = play(mute, &[(1, Event::Line(Sign::Noise)), (10_000, Event::Tick)]);
    assert_eq!((state.why, actions), (Some(Why::Timeout), vec![Action::Terminate]));
    assert_eq!(step(state, LOOKED, 10_001), (state, vec![]));
}

#[test]
fn only_a_line_of_its_kind_is_a_word_and_an_announced_wait_puts_the_looks_off() {
    let deadline = |events: &[(u64, Event)]| play(PLAN, events).0.deadline();
    let noise = Event::Line(Sign::Noise);
    assert_eq!(deadline(&[(10, EVENT), (400, noise), (450, Event::Bytes)]), Some(510));
    let wait = Event::Line(Sign::Retry { delay_ms: 3_000 });
    assert_eq!(deadline(&[(10, EVENT), (400, wait)]), Some(3_900));
    // Another line during the wait does not shorten it.
    assert_eq!(deadline(&[(10, EVENT), (400, wait), (600, EVENT)]), Some(3_900));
    let absurd = Event::Line(Sign::Retry { delay_ms: u64::MAX });
    assert_eq!(deadline(&[(10, EVENT), (20, absurd)]), Some(10_000));
}

#[test]
fn after_its_result_a_process_has_a_grace_and_a_new_turn_takes_it_back() {
    let result = Event::Line(Sign::Result);
    let (state, _) = play(PLAN, &[(10, EVENT), (20, result), (30, EVENT)]);
    assert_eq!(state.deadline(), Some(220));
    let (stopped, actions) = step(state, Event::Tick, 220);
    assert_eq!((stopped.why, actions), (Some(Why::Lingering), vec![Action::Interrupt]));
    assert_eq!(step(state, Event::Line(Sign::Turn), 100).0.deadline(), Some(600));
}

#[test]
fn the_first_reason_counts_and_a_kill_skips_the_ladder() {
    let stop = Event::Stop(StopReason::Cancelled);
    let (state, actions) =
        play(PLAN, &[(10, EVENT), (10_000, Event::Tick), (10_001, stop), (10_002, Event::Kill)]);
    assert_eq!(state.why, Some(Why::Timeout));
    assert_eq!(actions, [Action::Interrupt, Action::Kill]);
    // A second kill changes nothing.
    assert_eq!(step(state, Event::Kill, 10_003), (state, vec![]));
    let (state, actions) = play(PLAN, &[(1, Event::Kill)]);
    assert_eq!((state.why, actions), (Some(Why::Killed), vec![Action::Kill]));
}

#[test]
fn what_cannot_be_killed_is_given_up_after_a_while() {
    let (state, actions) = play(PLAN, &[(1, Event::Kill), (1 + KILL_GRACE_MS, Event::Tick)]);
    assert_eq!(state.phase, Phase::Ended);
    assert_eq!(actions, [&[Action::Kill][..], &END].concat());
}

#[test]
fn who_holds_the_output_of_the_dead_is_waited_for_but_not_for_long() {
    let (state, actions) = play(PLAN, &[(5, EVENT), (10, Event::Exited)]);
    assert_eq!(state.deadline(), Some(10 + DRAIN_MS));
    assert!(actions.is_empty());
    // A stop that comes too late is none: the agent has ended by itself.
    let (state, _) = step(state, Event::Stop(StopReason::Operator), 20);
    let (state, actions) = step(state, Event::Tick, 10 + DRAIN_MS);
    assert_eq!((state.why, actions), (None, END.to_vec()));
}

#[test]
fn every_phase_answers_every_event_and_ends_for_good() {
    let events = [
        EVENT,
        Event::StdoutClosed,
        Event::Exited,
        Event::Stop(StopReason::LostClaim),
        Event::Kill,
        Event::DiskFull,
        Event::Runaway,
        Event::Tick,
        Event::Bytes,
        LOOKED,
    ];
    // Every sequence of four events, a second apart.
    for n in 0..events.len().pow(4) {
        let chosen = (0..4_u32).map(|i| events[n / events.len().pow(i) % events.len()]);
        let mut state = State::new(PLAN, 0);
        let mut finished = 0;
        for (at, event) in chosen.enumerate() {
            let (next, actions) = step(state, event, at as u64 * 1_000);
            assert!(finished == 0 || actions.is_empty(), "actions after the end");
            finished += actions.iter().filter(|action| **action == Action::Finish).count();
            assert_eq!(next.phase == Phase::Ended, finished == 1);
            assert_eq!(next.deadline().is_none(), next.phase == Phase::Ended);
            state = next;
        }
    }
}
