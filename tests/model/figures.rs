//! What the model's tests measured: a line each in `target/proof/NAME.txt`, for one table of all proofs.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// The lines of one file: a label, a tab, a figure.
pub(super) struct Figures {
    name: &'static str,
    rows: String,
}

impl Figures {
    pub(super) fn new(name: &'static str) -> Figures {
        Figures { name, rows: String::new() }
    }

    pub(super) fn row(mut self, label: &str, figure: impl Display) -> Figures {
        self.rows.push_str(&format!("{label}\t{figure}\n"));
        self
    }

    pub(super) fn write(&self) {
        fs::create_dir_all(Figures::path(self.name).parent().unwrap()).unwrap();
        fs::write(Figures::path(self.name), &self.rows).unwrap();
    }

    /// What another process wrote.
    pub(super) fn read(name: &'static str) -> Figures {
        Figures { name, rows: fs::read_to_string(Figures::path(name)).unwrap() }
    }

    pub(super) fn tell(&self) {
        self.write();
        self.tell_only();
    }

    pub(super) fn tell_only(&self) {
        let rows: Vec<String> = self.rows.lines().map(|row| row.replace('\t', ": ")).collect();
        println!("{}: {}", self.name, rows.join("; "));
    }

    fn path(name: &str) -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp");
        target.join("proof").join(format!("{name}.txt"))
    }
}
