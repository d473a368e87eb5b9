//! What several copies of one message come to, in whatever order they arrived; knows no store.

use super::{Item, Property};

/// The copies that contribute to their message, the greatest first (docs/edna.md 6.6).
///
/// Greater is the copy with the greater own status event, then with the greater bytes. A copy all of whose
/// fields stand in greater ones can never contribute again, so it is dropped; the rest is kept, because
/// what two copies came to does not tell where a third one belongs.
pub fn contributing(mut copies: Vec<Item>) -> Vec<Item> {
    copies.sort_by_cached_key(|copy| std::cmp::Reverse((copy.status(), copy.render())));
    let mut kept: Vec<Item> = Vec::new();
    for copy in copies {
        if kept.is_empty() || contributes(&copy, &kept) {
            kept.push(copy);
        }
    }
    kept
}

fn contributes(copy: &Item, greater: &[Item]) -> bool {
    let known = Property::ALL.iter().any(|property| {
        !property.is_status()
            && copy.get(*property).is_some()
            && greater.iter().all(|other| other.get(*property).is_none())
    });
    let lacks = |other: &Item, name: &str| other.extra().iter().all(|(known, _)| known != name);
    known || copy.extra().iter().any(|(name, _)| greater.iter().all(|other| lacks(other, name)))
}

/// The message that its copies, the greatest first, come to: the greatest's status and fields,
/// and what it lacks from the next.
pub fn merged(copies: &[Item]) -> Option<Item> {
    let (greatest, rest) = copies.split_first()?;
    let mut item = greatest.clone();
    for copy in rest {
        for property in Property::ALL {
            if !property.is_status() && item.get(*property).is_none() {
                item.set(*property, copy.get(*property).cloned());
            }
        }
        for (name, json) in copy.extra() {
            if item.extra().iter().all(|(known, _)| known != name) {
                item.push_extra(name.clone(), json.clone());
            }
        }
    }
    Some(item)
}
