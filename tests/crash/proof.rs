//! What was covered, one line a figure: on the test's output and in `target/proof/`, for whoever sums up.

use std::fs;
use std::path::Path;

/// Figures of one test.
pub(crate) struct Proof {
    name: &'static str,
    lines: Vec<(String, String)>,
}

impl Proof {
    pub(crate) fn of(name: &'static str) -> Proof {
        Proof { name, lines: Vec::new() }
    }

    pub(crate) fn add(&mut self, label: &str, figure: impl ToString) {
        self.lines.push((label.to_owned(), figure.to_string()));
    }

    /// Prints and writes them; only after the last assertion.
    pub(crate) fn write(self) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/proof");
        fs::create_dir_all(&dir).unwrap();
        let lines = self.lines.iter().map(|(label, figure)| format!("{label}\t{figure}\n"));
        let text: String = lines.collect();
        print!("{text}");
        fs::write(dir.join(format!("crash-{}.txt", self.name)), text).unwrap();
    }
}
