//! The contract that scripts are written against: roots, JSON, exit codes, drains, what is said where.

mod care;
mod cron;
mod drains;
mod exits;
mod gc;
mod init;
mod json;
mod output;
mod roots;
mod take_over;
