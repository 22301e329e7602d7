//! The benchmarks: one table, ours beside the others, in one run. Started by `scripts/bench`.
//!
//! Contenders take turns (A B A B …) and medians are compared, so that a noisy machine is noisy for all.
//! Everything happens in a directory that is removed at the end only: removing files slows down making
//! files on some file systems.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark looks at the program from outside, and a step that fails ends it"
)]

mod claims;
mod idle;
mod lab;
mod latency;
mod peers;
mod scaling;
mod status;
mod table;
mod throughput;
mod trees;

use lab::Lab;
use table::Row;

type Section = fn(&Lab) -> Vec<Row>;

const SECTIONS: [(&str, Section); 8] = [
    ("throughput", throughput::plain),
    ("git", throughput::with_git),
    ("claims", claims::cycles),
    ("latency", latency::drop_to_exec),
    ("idle", idle::idle),
    ("status", status::hundred_thousand),
    ("trees", trees::fifty_thousand),
    ("scaling", scaling::agents),
];

const USAGE: &str = "usage: scripts/bench [--dir DIR] [--quick] [SECTION ...]
  --dir DIR   where to work (made, and what was made in it removed); default: the temporary directory
  --quick     small numbers: shows that it runs, measures nothing
sections: throughput git claims latency idle status trees scaling; default: all";

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut dir, mut quick, mut only) = (std::env::temp_dir(), false, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            latency::STAMP => return latency::stamp(&args.next().unwrap()),
            "--dir" => dir = args.next().expect(USAGE).into(),
            "--quick" => quick = true,
            name if SECTIONS.iter().any(|(known, _)| *known == name) => only.push(arg),
            _ => {
                eprintln!("{USAGE}");
                std::process::exit(2);
            }
        }
    }
    let lab = Lab::new(&dir, quick);
    println!("{}\n", lab.describe());
    let mut rows = Vec::new();
    for (name, section) in SECTIONS {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            eprintln!("… {name} (load {})", lab::load());
            rows.extend(section(&lab));
        }
    }
    print!("{}", table::render(&rows));
    println!("\nload at the end: {}", lab::load());
}
