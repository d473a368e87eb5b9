//! No source files use each other in a circle, read from their paths.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::{code, sources};

/// The segments of a path, from the crate's root.
type Path = Vec<String>;

/// The module that a file holds.
fn module_of(file: &str) -> Path {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// The paths of a `use` tree, each with its alias: `a::{self, b as c}` is `a` and `a::b` as `c`.
fn expand(tree: &str) -> Vec<(String, Option<String>)> {
    let tree = tree.trim();
    let Some((prefix, list)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.into())));
        return vec![(path.trim_end_matches("::self").to_owned(), alias)];
    };
    let (mut depth, mut items) = (0, vec![String::new()]);
    for letter in list.trim_end().strip_suffix('}').unwrap().chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if letter == ',' && depth == 0 {
            items.push(String::new());
        } else {
            items.last_mut().unwrap().push(letter);
        }
    }
    let items = items.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
    items.flat_map(|item| expand(&format!("{prefix}{item}"))).collect()
}

/// The absolute path of one that a module names; `None` for paths of other crates.
fn absolute(module: &Path, path: &str, modules: &BTreeMap<Path, String>) -> Option<Path> {
    let mut segments: Vec<&str> = path.split("::").collect();
    let mut base = module.clone();
    match segments[0] {
        "crate" | "history_gateway" => base.clear(),
        "self" => {}
        "super" => {
            while segments.get(1) == Some(&"super") {
                segments.remove(0);
                base.pop();
            }
            base.pop();
        }
        child => {
            base.push(child.to_owned());
            return modules.contains_key(&base).then(|| [module.clone(), owned(&segments)].concat());
        }
    }
    base.extend(owned(&segments[1..]));
    Some(base)
}

fn owned(segments: &[&str]) -> Path {
    segments.iter().map(|segment| (*segment).to_owned()).collect()
}

/// The file that defines what a path names; re-exports are followed.
fn target<'a>(path: &Path, modules: &'a BTreeMap<Path, String>, exports: &BTreeMap<Path, Path>) -> Option<&'a String> {
    for length in (1..=path.len()).rev() {
        let Some(file) = modules.get(&path[..length]) else { continue };
        return match path.get(..=length).and_then(|name| exports.get(name)) {
            Some(exported) if exported != path => {
                target(&[exported.clone(), path[length + 1..].to_vec()].concat(), modules, exports)
            }
            _ => Some(file),
        };
    }
    None
}

/// The files that each file uses.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let sources: Vec<(String, String)> = sources().into_iter().filter(|(name, _)| name != "main.rs").collect();
    let modules: BTreeMap<Path, String> = sources.iter().map(|(name, _)| (module_of(name), name.clone())).collect();
    let (mut exports, mut named) = (BTreeMap::new(), Vec::new());
    for (file, text) in &sources {
        let module = module_of(file);
        let text: String = code(text).map(|line| format!("{line}\n")).collect();
        let mut rest = String::new();
        for statement in text.split_inclusive(';') {
            let line = statement.lines().position(|line| {
                let line = line.trim_start();
                let line =
                    line.strip_prefix("pub").map_or(line, |line| line.trim_start_matches(|c| c != ' ').trim_start());
                // A sentence in a string may begin so too, but not with a path.
                line.strip_prefix("use ").is_some_and(|path| path.split([' ', ';', '{']).next().unwrap().contains("::"))
            });
            let Some(line) = line else {
                rest += statement;
                continue;
            };
            rest.extend(statement.lines().take(line).map(|line| format!("{line}\n")));
            let tree = statement.lines().skip(line).collect::<Vec<_>>().join(" ");
            let (visibility, tree) = tree.split_once("use ").unwrap();
            for (path, alias) in expand(tree.trim_end_matches(';')) {
                let Some(path) = absolute(&module, &path, &modules) else { continue };
                if visibility.trim().is_empty() {
                    named.push((file, path));
                } else if let Some(name) = alias.or(path.last().cloned()) {
                    exports.insert([module.clone(), vec![name]].concat(), path);
                }
            }
        }
        // A visibility uses nothing.
        let rest = rest.replace("pub(in crate::store)", "pub");
        let words = rest.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'));
        let paths = words.map(|word| word.trim_matches(':')).filter(|word| word.contains("::"));
        named.extend(paths.filter_map(|path| Some((file, absolute(&module, path, &modules)?))));
    }
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, path) in named {
        let target = target(&path, &modules, &exports).filter(|target| *target != file);
        uses.entry(file.clone()).or_default().extend(target.cloned());
    }
    uses
}

#[test]
fn no_source_files_use_each_other_in_a_circle() {
    let mut left = uses();
    assert!(left["store/mod.rs"].contains("store/db/pool.rs") && left["edna/history.rs"].contains("web/extract.rs"));
    // A file that uses none of those left, or is used by none, is in no circle.
    loop {
        let count = left.len();
        let (using, used): (BTreeSet<String>, BTreeSet<String>) =
            (left.keys().cloned().collect(), left.values().flatten().cloned().collect());
        left.retain(|file, uses| used.contains(file) && uses.iter().any(|used| using.contains(used)));
        if left.len() == count {
            break;
        }
    }
    let keys: BTreeSet<String> = left.keys().cloned().collect();
    for uses in left.values_mut() {
        uses.retain(|used| keys.contains(used));
    }
    assert!(left.is_empty(), "files in a circle, with those they use: {left:#?}");
}
