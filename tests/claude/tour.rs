//! The README's tour, as it stands there, with the real claude on PATH: from an empty HOME, and with `init` repeated.

use std::path::Path;
use std::process::Command;

use crate::support::claude;
use crate::support::running::Done;
use crate::support::stub::{Step, Stub};
use crate::support::swarm::{COORDINATOR, Swarm};

/// A reader's machine: his own name for git, the programs on PATH, and nothing else.
struct Reader {
    swarm: Swarm,
    stub: Stub,
    path: String,
}

impl Reader {
    /// `None` where there is no claude, which `claude::required` says loudly.
    fn new() -> Option<Reader> {
        let claude = claude::required()?;
        let swarm = Swarm::empty();
        let bin = swarm.beside("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(claude, bin.join("claude")).unwrap();
        let programs = Path::new(COORDINATOR).parent().unwrap();
        let path =
            format!("{}:{}:{}", bin.display(), programs.display(), std::env::var("PATH").unwrap());
        let reader = Reader { swarm, stub: Stub::start(), path };
        let work =
            "echo done > \"$SWARMDIR_TASK.txt\" && git add -A && git commit -qm 'As it was asked'";
        reader.stub.script("tour", [Step::bash(work), Step::text("It is committed.")]);
        reader.runs(
            "git config --global user.name 'A reader'; git config --global user.email reader@localhost
             git init -q -b main . && git commit -q --allow-empty -m Start",
        );
        Some(reader)
    }

    fn shell(&self, script: &str) -> Done {
        let mut command: Command = self.swarm.command("bash");
        command.args(["-euo", "pipefail", "-c", script]).env("PATH", &self.path);
        command.env_remove("GIT_CONFIG_GLOBAL").env("ANTHROPIC_API_KEY", "dummy");
        command.env("ANTHROPIC_BASE_URL", self.stub.url("tour"));
        self.swarm.start(&mut command).end_slowly()
    }

    #[track_caller]
    fn runs(&self, script: &str) -> String {
        self.shell(script).exits(0).out
    }
}

/// The block that `.ci/run` takes too.
fn tour() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/readme");
    let output = Command::new(script).arg("tour").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_readmes_tour_works_with_the_real_claude_and_again_with_init_repeated() {
    let Some(reader) = Reader::new() else { return };
    let (first, settings) = (tour(), reader.swarm.at("swarm.toml"));
    assert!(first.contains("coordinator init") && first.contains("coordinator --drain"), "{first}");
    for (round, branches) in [(1, 2), (2, 4)] {
        let kept = std::fs::read(&settings).ok();
        let told = reader.runs(&first);
        assert!(told.contains("done"), "{round}: {told}");
        if let Some(kept) = kept {
            assert_eq!(std::fs::read(&settings).unwrap(), kept, "init kept what was there");
        }
        let made = reader.runs("git branch --list 'swarm/*'");
        assert_eq!(made.lines().count(), branches, "{round}: {made}");
        assert_eq!(reader.swarm.counts(), format!("done {branches}"));
        let claude = reader.swarm.beside("bin/claude");
        let config = reader.runs("coordinator config");
        assert!(config.contains(&format!("program = \"{}\"", claude.display())), "{config}");
        assert_eq!(reader.runs("git status --porcelain -- queue .swarmdir interrupt"), "");
        reader.runs("coordinator check");
    }
    assert_eq!(reader.stub.problems(), Vec::<String>::new());
    assert_eq!(reader.stub.served("tour").calls, 8, "two for each task");
}
