//! Agents as processes: what they are given, how they end, and that nothing of them is left.

mod cgroups;
mod command;
mod demo;
mod graces;
mod helpers;
mod leftovers;
mod liveness;
mod service;
mod stopping;
