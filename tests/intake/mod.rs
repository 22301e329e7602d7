//! What people drop, and what becomes of it: every way to drop, every form, everything that is no task.

mod adding;
mod ceilings;
mod changes;
mod forms;
mod names;
mod oddities;
mod rejects;
mod ways;
