//! `coordinator`: keeps the pool, and everything a person asks of the queue.

fn main() -> std::process::ExitCode {
    swarmdir::cli::coordinator()
}
