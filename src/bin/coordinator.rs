//! The coordinator.

use std::io::Read;
use std::process::ExitCode;

use swarmdir::agent::demo;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(demo::SUBCOMMAND) {
        let mut prompt = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut prompt);
        return ExitCode::from(demo::main(&prompt, &mut std::io::stdout().lock()));
    }
    ExitCode::from(2)
}
