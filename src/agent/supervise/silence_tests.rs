//! Every pattern of speech, silence and work, both ways: who is stopped when and why, and who never is.
//!
//! The supervisor's own steps are played against a world that says what a look would find; time is a number.

use super::*;
use crate::agent::supervise::sign::StopReason;
use crate::agent::supervise::state::{Action, Event, Phase, State, step};
use crate::domain::liveness::judgement::{Besides, Processes, evidence};

const S: u64 = 1_000;
const PLAN: Deadlines = Deadlines {
    speaks: true,
    startup_ms: 200,
    silence_ms: S,
    wall_ms: 60_000,
    after_result_ms: 300,
    interrupt_grace_ms: Some(50),
    terminate_grace_ms: 20,
};
const MUTE: Deadlines = Deadlines { speaks: false, interrupt_grace_ms: None, ..PLAN };

/// What its processes do at a time: percent of CPU, whether files change, whether all are stopped.
#[derive(Clone, Copy, Default)]
struct World {
    cpu: u64,
    files: bool,
    stopped: bool,
}

/// A life: lines at times, a world, and what came of it: when it was stopped and why (by the end at the latest).
struct Played {
    stopped: Option<(u64, Why)>,
    looks: u32,
    evidence: String,
}

fn play(plan: Deadlines, lines: &[(u64, Event)], world: impl Fn(u64) -> World) -> Played {
    let mut state = State::new(plan, 0);
    let mut lines = lines.iter().copied().peekable();
    let (mut looks, mut before) = (0, 0);
    loop {
        let due = state.deadline().expect("it runs");
        let (at, event) = match lines.peek() {
            Some((at, _)) if *at <= due => lines.next().expect("it is there"),
            _ => (due, Event::Tick),
        };
        let (mut next, actions) = step(state, event, at);
        if let [Action::Look { first }] = actions[..] {
            looks += 1;
            assert!(looks < 1_000, "it looks without an end");
            let over_ms = if first { 0 } else { at - before };
            before = at;
            // Work anywhere in the interval is work.
            let worlds = (0..=10).map(|part| world(at - over_ms * part / 10));
            let cpu_ms = worlds.clone().map(|world| world.cpu * over_ms / 100 / 11).sum();
            let look = Look {
                over_ms,
                cpu_ms,
                changed: (!first).then(|| worlds.clone().any(|world| world.files)),
                change_ago_ms: Some(over_ms),
                processes: Processes {
                    alive: 2,
                    stopped: 2 * u32::from(world(at).stopped),
                    stuck: 0,
                },
            };
            next = step(next, Event::Looked(look), at).0;
        }
        state = next;
        if let (Phase::Stopping { .. }, Some(why)) = (state.phase, state.why) {
            let facts = state.facts.unwrap_or_default();
            let evidence = evidence(&facts, &Besides::default());
            return Played { stopped: Some((at, why)), looks, evidence };
        }
        if state.phase == Phase::Ended {
            return Played { stopped: None, looks, evidence: String::new() };
        }
    }
}

/// The same line at an interval, from..to.
fn every(ms: u64, (from, to): (u64, u64), event: Event) -> Vec<(u64, Event)> {
    (from..to).step_by(usize::try_from(ms).unwrap()).map(|at| (at, event)).collect()
}

fn then_ends(mut lines: Vec<(u64, Event)>, at: u64) -> Vec<(u64, Event)> {
    lines.extend([(at, Event::StdoutClosed), (at, Event::Exited)]);
    lines
}

const IDLE: World = World { cpu: 0, files: false, stopped: false };
const TURN: (u64, Event) = (10, Event::Line(Sign::Turn));

const EVENT: Event = Event::Line(Sign::Event);
const BEAT: Event = Event::Line(Sign::Beat);

fn retry(delay_ms: u64) -> Event {
    Event::Line(Sign::Retry { delay_ms })
}

/// A turn, and then these.
fn turn(lines: Vec<(u64, Event)>) -> Vec<(u64, Event)> {
    [vec![TURN], lines].concat()
}

fn at_work(cpu: u64, files: bool) -> World {
    World { cpu, files, stopped: false }
}

/// Nobody stops it before it ends by itself.
#[track_caller]
fn lives(plan: Deadlines, lines: &[(u64, Event)], ends: u64, world: impl Fn(u64) -> World) {
    let played = play(plan, &then_ends(lines.to_vec(), ends), world);
    assert_eq!(played.stopped, None, "{}", played.evidence);
}

/// It is stopped then, for this reason, with these words among the evidence.
#[track_caller]
fn dies(
    (plan, lines): (Deadlines, &[(u64, Event)]),
    world: impl Fn(u64) -> World,
    stopped: (u64, Why),
    words: &str,
) {
    let played = play(plan, lines, world);
    assert_eq!(played.stopped, Some(stopped), "{}", played.evidence);
    assert!(played.evidence.contains(words), "{}", played.evidence);
}

#[test]
fn who_speaks_or_works_is_never_stopped() {
    let idle = |_| IDLE;
    lives(PLAN, &every(900, (10, 20_000), EVENT), 20_000, idle);
    // In silence: computing, writing files, computing now and then, starting slowly.
    lives(PLAN, &[TURN], 3_900, |_| at_work(50, false));
    lives(PLAN, &[TURN], 50_000, |_| at_work(0, true));
    lives(PLAN, &[TURN], 3_900, |at| at_work(if at % 900 < 300 { 90 } else { 0 }, false));
    lives(PLAN, &[(700, Event::Line(Sign::Turn))], 800, |_| at_work(90, false));
    // A tool with heartbeats, idle for a while, and at work for long.
    lives(PLAN, &turn(every(300, (300, 3_900), BEAT)), 3_900, idle);
    lives(PLAN, &turn(every(300, (300, 50_000), BEAT)), 50_000, |_| at_work(0, true));
}

#[test]
fn who_waits_as_announced_or_need_not_speak_is_never_stopped() {
    let idle = |_| IDLE;
    lives(PLAN, &[TURN, (20, retry(9_000)), (9_500, EVENT)], 10_000, idle);
    let answered = [every(500, (20, 3_000), retry(400)), vec![(3_400, EVENT)]].concat();
    lives(PLAN, &turn(answered), 4_000, idle);
    lives(MUTE, &[], 50_000, idle);
    lives(MUTE, &turn(every(300, (300, 30_000), Event::Bytes)), 30_000, idle);
    // Somebody stopped all of it for a moment.
    let paused = |at| World { stopped: (2_000..2_400).contains(&at), ..IDLE };
    lives(MUTE, &[], 20_000, paused);
}

#[test]
fn who_hangs_is_stopped_in_bounds_and_with_evidence() {
    let (idle, busy) = (|_| IDLE, |_| at_work(100, false));
    let still = |_| World { stopped: true, ..IDLE };
    let silent = |at| (at, Why::Silent);
    dies((PLAN, &[]), idle, (200, Why::Startup), "no output for 200 ms");
    let noise = every(10, (10, 9_000), Event::Line(Sign::Noise));
    dies((PLAN, &noise), idle, (200, Why::Startup), "for 200 ms");
    let words =
        "2 processes used 0 ms of CPU time in 500 ms; no file of its directory changed (the last";
    dies((PLAN, &[TURN, (500, EVENT)]), idle, silent(1_500), words);
    dies((PLAN, &turn(noise)), idle, silent(1_010), "for 1 s");
    dies((PLAN, &[TURN, (900, Event::Bytes)]), idle, silent(1_010), "no output for 1 s");
    dies((PLAN, &[TURN]), |_| at_work(1, false), silent(1_010), "of CPU time");
    dies((PLAN, &[TURN]), |at| at_work(0, at < 4_000), silent(5_010), "no file");
    // It spins: that is work for a while, and none for ever.
    dies((PLAN, &[TURN]), busy, silent(4_010), "used 495 ms of CPU time in 500 ms; no file");
    dies((PLAN, &[]), busy, (800, Why::Startup), "of CPU time");
    dies((PLAN, &[TURN]), still, silent(1_010), "its 2 processes are stopped (SIGSTOP)");
    dies((MUTE, &[]), still, silent(1_500), "its 2 processes are stopped (SIGSTOP)");
    // One that need not speak, and did.
    dies((MUTE, &[TURN]), idle, silent(1_010), "no output");
}

#[test]
fn signs_of_life_without_news_do_not_count_for_ever() {
    let idle = |_| IDLE;
    let beats = turn(every(300, (300, 30_000), BEAT));
    let words = "only heartbeats and nothing new for 4 s";
    dies((PLAN, &beats), idle, (4_010, Why::Silent), words);
    let wait = [TURN, (20, retry(2_000))];
    dies((PLAN, &wait), idle, (3_020, Why::Unanswered), "1 retry announced");
    let retries = turn(every(500, (20, 30_000), retry(400)));
    let words = "no answer of the service for 4 s, 9 retries announced";
    dies((PLAN, &retries), idle, (4_020, Why::Unanswered), words);
}

#[test]
fn the_wall_and_the_result_end_whatever_is_at_work() {
    let timeout = (60_000, Why::Timeout);
    dies((PLAN, &[TURN]), |_| at_work(0, true), timeout, "files changed");
    dies((MUTE, &[]), |_| IDLE, timeout, "no output");
    let result = [TURN, (50, Event::Line(Sign::Result))];
    dies((PLAN, &result), |_| at_work(100, true), (350, Why::Lingering), "");
}

#[test]
fn one_that_speaks_is_never_looked_at_and_a_silent_one_rarely() {
    let lines = then_ends(every(400, (10, 50_000), EVENT), 50_000);
    assert_eq!(play(PLAN, &lines, |_| IDLE).looks, 0);
    assert_eq!(play(PLAN, &[TURN], |_| IDLE).looks, 2);
    // Two in each silence, however long.
    let mute = play(MUTE, &[], |_| IDLE);
    assert!((118..=120).contains(&mute.looks), "{}", mute.looks);
}

#[test]
fn a_look_of_an_earlier_silence_says_nothing_of_this_one() {
    let busy = World { cpu: 100, ..IDLE };
    // At work in the first silence, not in the second, which begins at 1,900.
    let lines = [TURN, (1_900, EVENT)];
    let played = play(PLAN, &lines, |at| if at < 1_900 { busy } else { IDLE });
    assert_eq!(played.stopped, Some((2_900, Why::Silent)), "{}", played.evidence);
}

#[test]
fn a_stop_on_request_needs_no_evidence() {
    let stop = (300, Event::Stop(StopReason::Cancelled));
    let played = play(PLAN, &[TURN, stop], |_| IDLE);
    assert_eq!(played.stopped, Some((300, Why::Asked(StopReason::Cancelled))));
}
