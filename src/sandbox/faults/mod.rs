//! Fault rules: which requests of a tenant are answered with an error, late, or with a broken connection; knows no
//! response's type.

mod answer;
mod wire;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

pub use answer::{Cut, Fault, FaultAnswer};
pub use wire::{NewRule, Then};

use super::matching::{Facts, Match};

/// How many rules a tenant may have.
pub const MAX_RULES: usize = 1000;

/// A rule, and how often it was applied.
#[derive(Debug, Serialize)]
pub struct Rule {
    pub id: u64,
    pub r#match: Match,
    /// How many matching requests pass first.
    pub skip: u64,
    /// How often it is applied; null means without end.
    pub times: Option<u64>,
    pub probability: f64,
    pub then: Then,
    pub applied: u64,
    #[serde(skip)]
    fault: Fault,
    /// How many requests matched.
    #[serde(skip)]
    matched: u64,
}

/// The rules of a tenant, in the order in which they were added.
#[derive(Debug)]
pub struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
    random: ChaCha8Rng,
}

/// A tenant's generator begins with this, so that every run of a test draws the same numbers.
const SEED: u64 = 15;

impl Default for Faults {
    fn default() -> Self {
        Self { rules: Vec::new(), last_id: 0, random: ChaCha8Rng::seed_from_u64(SEED) }
    }
}

impl Faults {
    /// Adds a rule; `None` if there are too many.
    pub fn add(&mut self, rule: NewRule, fault: Fault) -> Option<&Rule> {
        if self.rules.len() >= MAX_RULES {
            return None;
        }
        self.last_id += 1;
        let NewRule { r#match, skip, times, probability, then } = rule;
        let rule = Rule { id: self.last_id, r#match, skip, times, probability, then, applied: 0, fault, matched: 0 };
        self.rules.push(rule);
        self.rules.last()
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Removes a rule; `false` if there is none with this id.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// Whether any rule compares bodies.
    pub fn compares_bodies(&self) -> bool {
        self.rules.iter().any(|rule| !rule.r#match.body.is_empty())
    }

    /// The fault of the first rule that a request fits and that neither skips it nor is used up; counts it.
    pub fn apply(&mut self, facts: Facts<'_>) -> Option<(u64, Fault)> {
        for rule in &mut self.rules {
            let is_used_up = rule.times.is_some_and(|times| rule.applied >= times);
            if is_used_up || !rule.r#match.fits(facts) || !rule.fault.suits(facts.route) {
                continue;
            }
            rule.matched += 1;
            if rule.matched <= rule.skip {
                continue;
            }
            if rule.probability < 1.0 && self.random.random::<f64>() >= rule.probability {
                continue;
            }
            rule.applied += 1;
            return Some((rule.id, rule.fault.clone()));
        }
        None
    }
}
