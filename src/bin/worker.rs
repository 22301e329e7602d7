//! `worker`: one worker, alone or beside others.

fn main() -> std::process::ExitCode {
    swarmdir::cli::worker()
}
