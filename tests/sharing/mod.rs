//! Several users, several views of one machine: who may read what, and who may be judged, asked and killed by whom.

mod elsewhere;
mod groups;
mod modes;
