//! Who may read what is made: decided once for each process, and older directories brought in line.
//!
//! It makes nothing and reads no file but the repository's configuration.

use crate::doctor;
use crate::domain::settings::choice::Share;
use crate::domain::settings::config::Config;
use crate::git::Repo;
use crate::sys::fs;

/// Whether the group may read and write: what the settings say, else what the root or its repository do.
fn is_shared(config: &Config) -> bool {
    match config.share {
        Some(share) => share == Share::Group,
        None => {
            fs::is_setgid(&config.root)
                || Repo::discover(&config.root).is_ok_and(|repo| repo.is_shared())
        }
    }
}

/// From now on this process makes what it makes for whom these settings say.
pub(super) fn decide(config: &Config) {
    fs::share_with_group(is_shared(config));
}

/// Shuts strangers out of those that were made when nobody took care of modes.
pub(super) fn close(config: &Config) {
    for place in doctor::state_dirs(config) {
        if fs::dir_amiss(&place) != fs::ModeFlaw::default() {
            fs::mend_dir(&place, fs::has_others_in(&place));
        }
    }
}
