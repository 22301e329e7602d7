//! Which content of `swarm.toml` is used: the user's own, a trusted one, the one from before, or none.
//!
//! What came with a clone is not even parsed before the user trusts it. Invariant: the bytes that were judged are the
//! bytes that are used.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::load::{load, load_at};
use super::paths::joined;
use super::settings::Origin;
use super::{ConfigError, Flags, Loaded, ReadFile, World, root, variables};
use crate::domain::settings::choice::Durability;
use crate::domain::settings::problem::Problem;
use crate::domain::settings::programs::Executable;
use crate::domain::trust::{self, Ruling, Seen, TrustState, Why, rule};
use crate::queue::Queue;
use crate::site::{SETTINGS, Site};
use crate::sys::{env, fs};
use crate::trust::{
    LastInForce, Search, SettingsInForce, TrustStore, changed_at, digest, origin_of,
    origin_of_program,
};
use crate::worker::Vet;

/// What settings are loaded for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To look, or to run nothing by them.
    Look,
    /// To run agents by them: what is in force is remembered.
    Run,
    /// The same as one of a pool, which goes on by what was in force when it began.
    Pool,
    /// To show what trust would put in force, whatever it is now.
    Trust,
}

type Content = Option<Vec<u8>>;

/// Loads with this process's own environment, working directory and files, as far as they are trusted.
pub fn load_here(flags: &Flags, purpose: Purpose) -> Result<Loaded, ConfigError> {
    let read = |path: &Path| fs::read_if_any(path).map_err(|error| error.to_string());
    in_this_world(flags, &read, |flags, world| {
        Loading { found: root::find(flags, world), flags, world: *world, purpose }.load()
    })
}

/// The same where somebody else reads the files, and vouches for them.
pub(super) fn load_reading(flags: &Flags, read: &ReadFile) -> Result<Loaded, ConfigError> {
    in_this_world(flags, read, load)
}

fn in_this_world(
    flags: &Flags,
    read: &ReadFile,
    load: impl FnOnce(&Flags, &World) -> Result<Loaded, ConfigError>,
) -> Result<Loaded, ConfigError> {
    let wrong = |problem: Problem| ConfigError {
        path: PathBuf::from(SETTINGS),
        problems: vec![problem],
        rules: None,
    };
    if let Some(problem) = variables::mistake(&env::all()) {
        return Err(wrong(problem));
    }
    let absolute = flags.root.clone().filter(|root| root.is_absolute());
    let cwd = env::current_dir().or_else(|error| absolute.ok_or(error)).map_err(|error| {
        let said = format!("cannot tell the current directory: {error}");
        wrong(Problem::new(said).hint("cd to one that exists, or give an absolute --root"))
    })?;
    // `..` and links in the root would spread to the trees beside it and to what agents are told.
    let real = |root: &Path| {
        let root = joined(&cwd, root);
        fs::canonical(&root).unwrap_or(root)
    };
    let flags = Flags { root: flags.root.as_deref().map(real), ..flags.clone() };
    let search = Search::new();
    let variable = |name: &str| match name {
        "SWARMDIR_ROOT" => {
            env::var(name).map(|root| real(root.as_ref()).to_string_lossy().into_owned())
        }
        _ => env::var(name),
    };
    let world = World {
        env: &variable,
        cwd: &cwd,
        read,
        exists: &fs::exists,
        admits: &|dir, name| search.admits(dir, name),
        ends_at: &|dir| search.ends_at(dir),
    };
    load(&flags, &world)
}

struct Loading<'a> {
    found: (PathBuf, Origin),
    flags: &'a Flags,
    world: World<'a>,
    purpose: Purpose,
}

impl Loading<'_> {
    fn load(&self) -> Result<Loaded, ConfigError> {
        let root = &self.found.0;
        // What cannot be read is reported by whoever reads it to use it.
        let Ok(present) = (self.world.read)(&Site::at(root).settings()) else {
            return load_at(self.found.clone(), self.flags, &self.world);
        };
        if self.purpose == Purpose::Trust {
            return self.parsed(&present, &RefCell::default());
        }
        let last = SettingsInForce::of(root).last();
        let (content, standing) = match (&present, &last) {
            (None, None) => (None, TrustState::InForce),
            _ => choose(root, &present, last.as_ref(), self.purpose),
        };
        if let TrustState::Untrusted { .. } = standing {
            return Ok(Loaded { standing, ..self.without_settings()? });
        }
        let untrusted = RefCell::default();
        let loaded = self.parsed(&content, &untrusted);
        let named =
            || named_files(loaded.as_ref().ok()?).into_iter().find_map(|file| file.untrusted());
        if let Some((file, why)) = untrusted.borrow_mut().take().or_else(named) {
            let standing = TrustState::Untrusted { file, why };
            return Ok(Loaded { standing, ..self.without_settings()? });
        }
        let loaded = loaded?;
        if self.purpose != Purpose::Look
            && standing == TrustState::InForce
            && content.as_deref() != last.as_ref().map(|last| last.content.as_slice())
        {
            // Without it they are in force all the same; only a change by an agent is then not told from others.
            SettingsInForce::of(root).keep(content.as_deref()).ok();
        }
        Ok(Loaded { standing, ..loaded })
    }

    /// With this content of `swarm.toml`; the first other file that is read and not trusted is told of, and not parsed.
    fn parsed(
        &self,
        content: &Content,
        untrusted: &RefCell<Option<(PathBuf, Why)>>,
    ) -> Result<Loaded, ConfigError> {
        let path = Site::at(&self.found.0).settings();
        let given = (self.world.env)("SWARMDIR_FAILURES_RULES").is_some();
        let read = |wanted: &Path| {
            if wanted == path {
                return Ok(content.clone());
            }
            let bytes = (self.world.read)(wanted)?;
            if let (Some(bytes), false, true) = (&bytes, given, self.purpose != Purpose::Trust)
                && let Err(why) = vouch(wanted, bytes)
            {
                *untrusted.borrow_mut() = Some((wanted.to_owned(), why));
                return Err("it came with a clone and is not trusted".into());
            }
            Ok(bytes)
        };
        load_at(self.found.clone(), self.flags, &World { read: &read, ..self.world })
    }

    /// As if there were no `swarm.toml`. What flags and variables name in it cannot be found then.
    fn without_settings(&self) -> Result<Loaded, ConfigError> {
        let names = ["SWARMDIR_AGENT", "SWARMDIR_RIG"];
        let hidden = |name: &str| (self.world.env)(name).filter(|_| !names.contains(&name));
        let path = Site::at(&self.found.0).settings();
        let read =
            |wanted: &Path| if wanted == path { Ok(None) } else { (self.world.read)(wanted) };
        let world = World { read: &read, ..self.world };
        load_at(self.found.clone(), self.flags, &world).or_else(|_| {
            let flags = Flags { agent: None, rig: None, ..self.flags.clone() };
            load_at(self.found.clone(), &flags, &World { env: &hidden, ..world })
        })
    }
}

fn choose(
    root: &Path,
    present: &Content,
    last: Option<&LastInForce>,
    purpose: Purpose,
) -> (Content, TrustState) {
    let file = Site::at(root).settings();
    let before = last.map(|last| last.content.clone());
    let as_before = *present == before;
    let why = present.as_deref().and_then(|bytes| vouch(&file, bytes).err());
    let seen = Seen {
        present: present.is_some(),
        as_before,
        known_before: last.is_some(),
        during_attempt: !as_before && changed_during_attempt(root, present, last),
        vouched: why.is_none(),
    };
    match (rule(seen), why) {
        (Ruling::InForce, _) => (present.clone(), TrustState::InForce),
        (Ruling::Untrusted, Some(why)) if purpose != Purpose::Pool || before.is_none() => {
            (None, TrustState::Untrusted { file, why })
        }
        (Ruling::AsBefore | Ruling::Untrusted, _) => (before, TrustState::AsBefore { file }),
    }
}

/// Whether the file came, changed or went while an agent ran; what cannot be told counts as if it did.
fn changed_during_attempt(root: &Path, present: &Content, last: Option<&LastInForce>) -> bool {
    let Ok(queue) = Queue::open(&Site::at(root).queue(), Durability::Relaxed) else { return false };
    let time = match (present, last) {
        (Some(_), _) => changed_at(&Site::at(root).settings()).map(|at| (at, at)),
        // When a file went, only its directory tells, and only the latest time of several.
        (None, Some(last)) => {
            let root = fs::look(root).ok().flatten();
            // What was seen was seen after the run's attempts, perhaps in the same tick of the file system's clock.
            root.map(|meta| (last.seen_at + 1, fs::mtime_ns(&meta)))
        }
        (None, None) => return false,
    };
    time.is_none_or(|(first, last)| queue.attempt_ran_within(first, last).unwrap_or(true))
}

/// The user's own, or trusted with this content at this place.
fn vouch(path: &Path, bytes: &[u8]) -> Result<(), Why> {
    if TrustStore::here().holds(path, &digest(bytes)) {
        return Ok(());
    }
    match origin_of(path) {
        trust::Origin::Own => Ok(()),
        trust::Origin::CameWithClone(why) => Err(why),
    }
}

/// A file that settings name, which is part of what is trusted.
pub struct NamedFile {
    /// Where it is.
    pub path: PathBuf,
    /// For a program the settings that name it: it is the user's choice where they are the user's own.
    named_by: Option<PathBuf>,
}

impl NamedFile {
    /// Why it counts as having come with a clone; `None`: it is the user's own, or his choice.
    pub fn why(&self) -> Option<Why> {
        let judged = match &self.named_by {
            Some(settings) if origin_of(settings) == trust::Origin::Own => return None,
            Some(_) => origin_of_program(&self.path),
            None => origin_of(&self.path),
        };
        match judged {
            trust::Origin::Own => None,
            trust::Origin::CameWithClone(why) => Some(why),
        }
    }

    fn untrusted(self) -> Option<(PathBuf, Why)> {
        let why = self.why()?;
        let bytes = fs::read(&self.path).unwrap_or_default();
        (!TrustStore::here().holds(&self.path, &digest(&bytes))).then_some((self.path, why))
    }
}

/// The files that `swarm.toml` names and that are read, or run from the repository itself.
pub fn named_files(loaded: &Loaded) -> Vec<NamedFile> {
    let config = &loaded.config;
    let from_file = |key: &str| {
        let setting = loaded.provenance.iter().find(|setting| setting.key == key);
        setting.is_some_and(|setting| matches!(setting.origin, Origin::File { .. }))
    };
    let texts = [("failures.rules", &config.failure_rules), ("instructions", &config.instructions)];
    let texts =
        texts.into_iter().filter(|(key, _)| from_file(key)).filter_map(|(_, path)| path.clone());
    let texts = texts.map(|path| NamedFile { path, named_by: None });
    let top = config.root.ancestors().find(|dir| fs::exists(&dir.join(".git")));
    let top = top.unwrap_or(&config.root);
    // What lies elsewhere was installed there.
    let programs = config.profiles.values().filter_map(|profile| match profile.kind.executable() {
        Executable::File(path) => Some(path.to_owned()),
        Executable::Argv(argv) => argv.first().map(PathBuf::from),
        Executable::OnPath(_) | Executable::Ourselves => None,
    });
    let programs = programs.filter(|path| path.is_absolute()).filter(|path| {
        path.starts_with(top) || fs::canonical(path).is_ok_and(|path| path.starts_with(top))
    });
    let settings = Site::at(&config.root).settings();
    let programs = programs.map(|path| NamedFile { path, named_by: Some(settings.clone()) });
    texts.chain(programs).filter(|file| fs::exists(&file.path)).collect()
}

/// Judges texts that a worker reads anew for each attempt: those that came with a clone are used only while they are
/// trusted as they are. What variables of the environment name is the user's choice.
pub fn vetting(loaded: &Loaded) -> Vet {
    let config = &loaded.config;
    let chosen: Vec<PathBuf> = [&config.failure_rules, &config.instructions]
        .into_iter()
        .flatten()
        .filter(|path| !named_files(loaded).iter().any(|named| named.path == **path))
        .cloned()
        .collect();
    let known: RefCell<BTreeMap<PathBuf, String>> = RefCell::default();
    Box::new(move |path, bytes| {
        let sha256 = digest(bytes);
        if chosen.iter().any(|chosen| chosen == path) || known.borrow().get(path) == Some(&sha256) {
            return Ok(());
        }
        vouch(path, bytes).map_err(|why| {
            Problem::new(format!("it came with a clone and is not trusted ({why})"))
                .hint("read it, then: coordinator trust")
        })?;
        known.borrow_mut().insert(path.to_owned(), sha256);
        Ok(())
    })
}

/// Notes that `swarm.toml` is still as it was in force, at the end of a run: what changes it later is no agent.
pub fn keep_seen(root: &Path) {
    let force = SettingsInForce::of(root);
    let Some(last) = force.last() else { return };
    if fs::read_if_any(&Site::at(root).settings()).is_ok_and(|now| now == Some(last.content)) {
        // Else a removal by a person is taken for an agent's, and asked about.
        force.seen().ok();
    }
}
