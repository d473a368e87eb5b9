//! The audit log: what is recorded of whom, and that nothing in it can be changed unnoticed.

mod api;
mod chain;
mod commands;
mod queue;
mod search;

use crate::support::{TENANT, TestApp};
use history_gateway::model::audit::DIGEST_LENGTH;
use history_gateway::store::audit;

/// The records of a tenant's log, one a line, without what differs from run to run.
pub async fn records(app: &TestApp) -> String {
    let entries = app.store.read_primary(|connection| audit::after(connection, TENANT, 0, 1000)).await.unwrap();
    let mut lines = Vec::new();
    for entry in entries {
        let records: Vec<serde_json::Value> = serde_json::from_str(&entry.records).unwrap();
        for mut record in records {
            let fields = record.as_object_mut().unwrap();
            fields.remove("at");
            for name in ["addresses", "digestKey"] {
                if let Some(value) = fields.get_mut(name) {
                    *value = value.as_array().map_or("KEY".into(), |list| format!("{} digests", list.len()).into());
                }
            }
            lines.push(format!("{} {}", entry.sequence, without_digests(&record.to_string())));
        }
    }
    lines.join("\n")
}

fn without_digests(line: &str) -> String {
    let is_digest = |word: &str| {
        [DIGEST_LENGTH, 2 * DIGEST_LENGTH].contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let words = line.split('"').map(|word| if is_digest(word) { "DIGEST" } else { word });
    words.collect::<Vec<_>>().join("\"")
}
