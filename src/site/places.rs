//! Where work takes room outside of the queue: trees, scratch directories, repositories.

use std::path::PathBuf;

use super::Site;
use crate::domain::settings::config::Config;

/// Where work under these settings takes room, and whether trees are made there.
pub fn disk_places(config: &Config) -> Vec<(PathBuf, bool)> {
    let mut places = vec![(Site::at(&config.root).queue(), false)];
    places.extend(config.trees.clone().map(|dir| (dir, true)));
    for repository in config.repositories() {
        let beside = repository.parent().map(PathBuf::from).filter(|_| config.trees.is_none());
        places.extend(beside.map(|dir| (dir, true)));
        // Objects of what agents commit.
        places.push((repository, false));
    }
    places
}

/// Where scratch directories live: with the trees, or beside the root.
pub fn scratch_dir(config: &Config) -> PathBuf {
    config.trees.clone().unwrap_or_else(|| Site::at(&config.root).beside())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::repositories::RigProfile;

    #[test]
    fn trees_lie_beside_each_repository_or_where_the_settings_say() {
        let mut config = Config::built_in("/a/root".into(), &[]);
        let rig = RigProfile { path: "/b/rig".into(), setup: None };
        config.rigs.insert("rig".into(), rig);
        let shown = |config: &Config| -> Vec<String> {
            let places = disk_places(config).into_iter();
            places
                .map(|(path, trees)| {
                    format!("{}{}", path.display(), if trees { " trees" } else { "" })
                })
                .collect()
        };
        let beside = ["/a/root/queue", "/a trees", "/a/root", "/b trees", "/b/rig"];
        assert_eq!(shown(&config), beside);
        assert_eq!(scratch_dir(&config), PathBuf::from("/a/root.swarmdir"));
        config.trees = Some("/trees".into());
        assert_eq!(shown(&config), ["/a/root/queue", "/trees trees", "/a/root", "/b/rig"]);
        assert_eq!(scratch_dir(&config), PathBuf::from("/trees"));
    }
}
