//! The obvious protocol that does not hold: publishing by renaming the *claim*.
//!
//! `P.e` waits, `C.e` is claimed (a link), `R.e` runs, `D` is done. Two names would have to change together.

use std::fmt;

use super::explore::{Model, Step};
use super::promises::ONE_OUTCOME;

/// How its reclaimer goes about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Text {
    /// Takes the claim away, then moves `R.e` to `P.(e+1)`.
    Literal,
    /// The same, looking into `done/` in between.
    LooksIntoDone,
    /// Moves first, frees the claim after.
    MovesFirst,
}

/// Two workers, one reclaimer that takes any claim for stale.
#[derive(Clone, Copy)]
pub(crate) struct Old {
    pub(crate) text: Text,
}

const EPOCHS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Names {
    pending: [bool; EPOCHS],
    claims: [u8; EPOCHS],
    running: [bool; EPOCHS],
    done: u8,
    /// (how far, epoch) of each worker, then of the reclaimer.
    actors: [(u8, u8); 3],
    suspicions: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OldLabel(usize, &'static str, usize);

impl fmt::Display for OldLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", ["W0", "W1", "R0"][self.0], self.1, self.2)
    }
}

impl Old {
    fn worker(self, s: &Names, w: usize, out: &mut Vec<Step<OldLabel, Names>>) {
        let (at, e) = (s.actors[w].0, usize::from(s.actors[w].1));
        let mut to = *s;
        match at {
            // From a listing of any age: every name that ever was.
            0 => {
                for e in 0..EPOCHS {
                    let ever = s.pending[..].iter().skip(e).any(|p| *p)
                        || s.running.iter().skip(e).any(|r| *r);
                    if ever && s.claims[e] == 0 {
                        let mut to = *s;
                        to.claims[e] = w as u8 + 1;
                        to.actors[w] = (1, e as u8);
                        out.push(step(w, "link C", e, to));
                    }
                }
            }
            1 if s.pending[e] => {
                (to.pending[e], to.running[e], to.actors[w].0) = (false, true, 2);
                out.push(step(w, "rename P to R", e, to));
            }
            1 => {
                to.claims[e] = 0;
                to.actors[w] = (0, 0);
                out.push(step(w, "unlink C", e, to));
            }
            2 => {
                // Whoever's link it is now: the name decides.
                let won = s.claims[e] != 0;
                to.done += u8::from(won);
                to.claims[e] = 0;
                to.actors[w].0 = 3;
                out.push(step(w, "rename C to D", e, to));
            }
            _ => {
                to.running[e] = false;
                to.actors[w] = (0, 0);
                out.push(step(w, "unlink R", e, to));
            }
        }
    }

    fn reclaimer(self, s: &Names, out: &mut Vec<Step<OldLabel, Names>>) {
        let (at, e) = (s.actors[2].0, usize::from(s.actors[2].1));
        let mut to = *s;
        match (at, self.text) {
            (0, _) => {
                for e in (0..EPOCHS).filter(|e| s.claims[*e] != 0 && s.suspicions > 0) {
                    let mut to = *s;
                    to.suspicions -= 1;
                    to.actors[2] = (if self.text == Text::MovesFirst { 3 } else { 1 }, e as u8);
                    out.push(step(2, "list C", e, to));
                }
            }
            (1, text) => {
                to.claims[e] = 0;
                to.actors[2].0 = if text == Text::LooksIntoDone { 2 } else { 3 };
                out.push(step(2, "unlink C", e, to));
            }
            (2, _) => {
                to.actors[2] = if s.done == 0 { (3, e as u8) } else { (0, 0) };
                out.push(step(2, "look into D", e, to));
            }
            (3, text) => {
                if s.running[e] && e + 1 < EPOCHS {
                    (to.running[e], to.pending[e + 1]) = (false, true);
                }
                to.actors[2] = if text == Text::MovesFirst { (4, e as u8) } else { (0, 0) };
                out.push(step(2, "rename R to P", e, to));
            }
            _ => {
                to.claims[e] = 0;
                to.actors[2] = (0, 0);
                out.push(step(2, "unlink C", e, to));
            }
        }
    }
}

fn step(actor: usize, call: &'static str, e: usize, to: Names) -> Step<OldLabel, Names> {
    Step { label: OldLabel(actor, call, e), fair: true, to }
}

impl Model for Old {
    type State = Names;
    type Label = OldLabel;

    fn starts(&self) -> Vec<Names> {
        let mut start = Names { suspicions: 2, ..Names::default() };
        start.pending[0] = true;
        vec![start]
    }

    fn steps(&self, s: &Names, out: &mut Vec<Step<OldLabel, Names>>) {
        self.worker(s, 0, out);
        self.worker(s, 1, out);
        self.reclaimer(s, out);
    }

    fn broken(&self, s: &Names) -> Option<&'static str> {
        (s.done > 1).then_some(ONE_OUTCOME)
    }

    fn over(&self, _: &Names) -> bool {
        true
    }
}
