//! A project that is moved, renamed, copied, linked or gone, with its queue.

mod copied;
mod gone;
mod linked;
mod moved;
