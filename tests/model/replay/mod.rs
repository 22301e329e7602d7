//! Traces of the model, performed by the program: after every step the directory must be what the model says.
//!
//! | one step of the model | calls of the program that belong to it, as no other actor can notice them |
//! |---|---|
//! | `Register` | making `tmp/x`, its rename, opening it again |
//! | `Link` | looking whose claim it is after `EEXIST` |
//! | `AskRequest`, `Standing` | listing `cancel/` and `runs/T`; looking at the name and the claim in hand |
//! | `Enter`, `Ends` | the copy in `runs/T/e.W`; trees and agents are not on stage |
//! | `Rename` | staging before it; after a refusal that nothing follows from, listing its destination |
//! | `LookIntake` | opening and reading what is taken in, the note that it waits, staging its record |
//! | `ListClaims` | reading each claim's card |
//! | `LookWorker`, `Kill` | looking up each claim's worker; killing is the director's |
//! | `LookReady` | the other bands; the tally of deaths |
//! | `ListEnded` | the four directories of what has ended |
//! | `Decide` | everything that a person reads before a command |
//! | `UnlinkClaim` of a holder who cancelled | listing `cancel/` |
//!
//! Every other call that changes the queue is one step, and one that the model does not expect fails the test.

mod director;
mod disk;
mod stage;
mod world;

pub(super) use director::{Played, walk};
