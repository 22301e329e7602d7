//! What each source file names of the others: its imports, and the paths in its code; tests and comments are left out.
//!
//! A file names another by naming an item of it: a module on the way to an item is not named, and a name that a module
//! passes on (`pub use`) is its maker's. A room that declares its files and passes on what they make does not name them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use syn::visit::{self, Visit};

use super::{root, rust_files, shown};

/// A module's place below the crate, or an item's.
type Path = Vec<String>;

/// Of each file (`agent/job.rs`) those that it names.
pub(super) type Naming = BTreeMap<String, BTreeSet<String>>;

/// What stands in one file.
#[derive(Default)]
struct Source {
    /// Its path, below `src`.
    file: String,
    module: Path,
    /// Names that it brings in, and where from; those of a room that are only passed on apart.
    imported: Vec<(String, Path)>,
    passed_on: Vec<(String, Path)>,
    /// Paths in its code.
    paths: Vec<Path>,
    /// Modules within the file, while it is read.
    inner: Path,
}

/// All that name others; read once, for all tests.
pub(super) fn naming() -> &'static Naming {
    static NAMING: OnceLock<Naming> = OnceLock::new();
    NAMING.get_or_init(read_all)
}

fn read_all() -> Naming {
    let sources: Vec<Source> = rust_files("src").iter().filter_map(|path| read(path)).collect();
    let modules: BTreeMap<&Path, &Source> = sources.iter().map(|s| (&s.module, s)).collect();
    let mut naming = Naming::new();
    for source in &sources {
        let named = source.named().into_iter().filter_map(|path| maker(&modules, path, 0));
        let others = named.filter(|file| *file != source.file);
        naming.insert(source.file.clone(), others.collect());
    }
    naming
}

fn read(path: &std::path::Path) -> Option<Source> {
    let file = shown(path).strip_prefix("src/")?.to_owned();
    let is_test =
        file.ends_with("_tests.rs") || file.ends_with("tests.rs") || file.contains("/tests/");
    if is_test || file.starts_with("bin/") {
        return None;
    }
    let module = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let module =
        if module == "lib" { Path::new() } else { module.split('/').map(str::to_owned).collect() };
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let tree = syn::parse_file(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    let mut source = Source { file, module, ..Source::default() };
    source.visit_file(&tree);
    Some(source)
}

/// The file that makes what a path from the crate's root leads to; `None` for a module itself, and for what is not ours.
fn maker(modules: &BTreeMap<&Path, &Source>, path: Path, hops: usize) -> Option<String> {
    let known = (1..path.len()).rev().find(|n| modules.contains_key(&path[..*n].to_vec()))?;
    if modules.contains_key(&path) {
        return None;
    }
    let source = modules[&path[..known].to_vec()];
    let all = source.passed_on.iter().chain(&source.imported);
    let passed =
        all.into_iter().find(|(name, from)| *name == path[known] && from[..] != path[..=known]);
    match passed {
        Some((_, from)) if hops < 8 => {
            maker(modules, [from, &path[known + 1..]].concat(), hops + 1)
        }
        _ => Some(source.file.clone()),
    }
}

impl Source {
    /// Everything it names, from the crate's root.
    fn named(&self) -> Vec<Path> {
        let imported = self.imported.iter().map(|(_, path)| path.clone());
        imported.chain(self.paths.iter().filter_map(|path| self.in_full(path))).collect()
    }

    fn in_full(&self, path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let known = self.imported.iter().chain(&self.passed_on).find(|(name, _)| name == first);
        match (first.as_str(), known) {
            ("crate", _) => Some(rest.to_vec()),
            ("self", _) => Some([&self.module, rest].concat()),
            ("super", _) => {
                let mut here = [&self.module[..], &self.inner].concat();
                let ups = path.iter().take_while(|name| *name == "super").count();
                here.truncate(here.len().checked_sub(ups)?);
                Some([&here, &path[ups..]].concat())
            }
            // A lone name was brought in by an import, which counts.
            (_, Some((_, from))) if !rest.is_empty() => Some([from, rest].concat()),
            (_, None) if !rest.is_empty() => Some([&self.module, path].concat()),
            _ => None,
        }
    }

    fn import(&mut self, tree: &syn::UseTree, so_far: &[String], passed_on: bool) {
        let with = |name: &syn::Ident| [so_far, &[name.to_string()]].concat();
        let (path, name) = match tree {
            syn::UseTree::Path(path) => {
                return self.import(&path.tree, &with(&path.ident), passed_on);
            }
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, so_far, passed_on));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                (so_far.to_vec(), so_far.last().cloned().unwrap_or_default())
            }
            syn::UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(rename) => (with(&rename.ident), rename.rename.to_string()),
            syn::UseTree::Glob(_) => ([so_far, &["*".to_owned()]].concat(), "*".to_owned()),
        };
        let Some(path) = self.in_full(&path) else { return };
        let list = if passed_on { &mut self.passed_on } else { &mut self.imported };
        list.push((name, path));
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        let is_test = |a: &syn::Attribute| {
            a.path().is_ident("cfg")
                && a.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
        };
        if !attributes.iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inner.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inner.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        let is_room = self.file.ends_with("mod.rs") || self.file == "lib.rs";
        self.import(&item.tree, &[], is_public && is_room);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// What a macro is given is no code before it is expanded: its paths are found by their colons.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let paths = words.filter(|word| word.contains("::"));
        let own = paths.map(|path| path.split("::").map(str::to_owned).collect());
        self.paths.extend(own);
        visit::visit_macro(self, call);
    }
}

#[test]
fn what_a_file_names_is_found_wherever_it_stands() {
    let source = |file: &str, module: &[&str], text: &str| {
        let module = module.iter().map(|name| (*name).to_owned()).collect();
        let mut source = Source { file: file.into(), module, ..Source::default() };
        source.visit_file(&syn::parse_file(text).unwrap());
        source
    };
    let sources = [
        source("a/mod.rs", &["a"], "mod b; pub use b::B; pub fn own() {}"),
        source("a/b.rs", &["a", "b"], "pub struct B;"),
        source("c.rs", &["c"], "pub fn c() {} pub mod inner { pub const X: u8 = 1; }"),
        source(
            "d.rs",
            &["d"],
            "use crate::a::B; use crate::c; #[cfg(test)] mod tests { use crate::a::own; }
             fn f(_: B) { println!(\"{}\", c::inner::X); }",
        ),
        source("e.rs", &["e"], "mod m { fn f() { super::super::c::c(); } }"),
    ];
    let modules: BTreeMap<&Path, &Source> = sources.iter().map(|s| (&s.module, s)).collect();
    let named = |n: usize| -> BTreeSet<String> {
        sources[n].named().into_iter().filter_map(|path| maker(&modules, path, 0)).collect()
    };
    assert_eq!(named(0), BTreeSet::new());
    assert_eq!(named(3), ["a/b.rs", "c.rs"].map(str::to_owned).into());
}
