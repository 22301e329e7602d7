//! Every crash point, every failing call, every lost reply: of each transition, and of the real programs.
//!
//! [`table`] says what may be seen, [`kills`], [`failing`] and [`pauses`] make it happen in processes of this
//! binary; [`programs`] does it to the shipped ones, and [`witness`] has the kernel's word that nothing was left
//! out. Invariant: what is counted was asserted.

mod child;
mod failing;
mod hooks;
mod housekeeper;
mod kills;
mod lab;
mod pauses;
mod programs;
mod proof;
mod table;
mod witness;
