//! A tenant of an embedded sandbox, which belongs to one test; knows no process.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::control::{Control, SandboxError, list};

/// A tenant with its own messages, keys, clock, errors and journal. It is deleted when this is dropped; if the test fails,
/// its journal is printed first.
pub struct TestTenant {
    control: Control,
    path: String,
    pub id: i64,
    pub project_id: String,
    /// The keys by name: master, live, webhook, expired, revoked, withoutGroup, oneSender.
    pub keys: BTreeMap<String, String>,
}

/// A fault rule (docs/sandbox.md 4).
#[derive(Clone, Debug)]
pub struct FaultRule(Value);

impl FaultRule {
    /// Answers with an error of the route's dialect, such as `limit-not-valid`.
    pub fn error(word: &str) -> Self {
        Self::then(json!({"error": word}))
    }

    pub fn status(status: u16) -> Self {
        Self::then(json!({"status": status}))
    }

    /// Answers with what the fields say, such as `delayMs` and `close`.
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn then(then: Value) -> Self {
        Self(json!({"match": {"body": {}}, "then": then}))
    }

    /// Applies to a documented route only.
    #[must_use]
    pub fn route(mut self, route: &str) -> Self {
        self.0["match"]["route"] = json!(route);
        self
    }

    /// Applies to a method only.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.0["match"]["method"] = json!(method);
        self
    }

    /// Applies to this share of the matching requests, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.0["probability"] = json!(probability);
        self
    }

    /// Applies to requests only whose body has a value at a dotted path.
    #[must_use]
    pub fn body(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.0["match"]["body"][path] = value.into();
        self
    }

    /// Applies this often; without it, without end.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.0["times"] = json!(times);
        self
    }

    /// Lets matching requests pass first.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.0["skip"] = json!(skip);
        self
    }
}

impl TestTenant {
    pub(super) fn new(control: Control, created: &Value) -> Self {
        let id = created["tenantId"].as_i64().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let keys = created["keys"].as_object().into_iter().flatten();
        Self {
            control,
            path: format!("/tenants/{id}"),
            id,
            project_id: text(&created["projectId"]),
            keys: keys.map(|(name, key)| (name.clone(), text(key))).collect(),
        }
    }

    /// Sends entries to an ingest route; the first that is rejected is the error.
    fn record(&self, path: &str, entries: &Value) -> Result<(), SandboxError> {
        let result = self.send("POST", path, Some(entries))?;
        match list(result, "results").iter().find_map(|entry| entry["detail"].as_str()) {
            Some(detail) => Err(SandboxError::Rejected { status: 400, detail: detail.to_owned() }),
            None => Ok(()),
        }
    }

    /// A key that sees everything, for edna's `x-api-key` and OneUptime's `ApiKey`.
    pub fn api_key(&self) -> &str {
        self.keys.get("master").map_or("", String::as_str)
    }

    /// Puts a message, or a list of messages, into the history, in edna's form.
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn add(&self, messages: Value) -> Result<(), SandboxError> {
        self.record("/messages", &messages)
    }

    /// Deletes all messages.
    pub fn delete_messages(&self) -> Result<(), SandboxError> {
        self.send("DELETE", "/messages", None).map(|_| ())
    }

    /// Brings everything back to what it was at the tenant's creation.
    pub fn reset(&self) -> Result<(), SandboxError> {
        self.send("POST", "/reset", Some(&json!({}))).map(|_| ())
    }

    /// Makes near misses of history requests errors, or lets them pass.
    pub fn set_strict(&self, strict: bool) -> Result<(), SandboxError> {
        self.send("PUT", "/strict", Some(&json!({"strict": strict}))).map(|_| ())
    }

    pub fn clock(&self) -> TenantClock<'_> {
        TenantClock(self)
    }

    /// Adds a fault rule; returns its id.
    #[expect(clippy::needless_pass_by_value, reason = "a caller makes the rule in place")]
    pub fn fail_with(&self, rule: FaultRule) -> Result<u64, SandboxError> {
        Ok(self.send("POST", "/faults", Some(&rule.0))?["id"].as_u64().unwrap_or_default())
    }

    /// Adds a status event, or a list of them, of messages.
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn add_statuses(&self, statuses: Value) -> Result<(), SandboxError> {
        self.record("/statuses", &statuses)
    }

    /// The fault rules, with how often each was applied.
    pub fn faults(&self) -> Result<Vec<Value>, SandboxError> {
        Ok(list(self.send("GET", "/faults", None)?, "faults"))
    }

    /// Removes all fault rules.
    pub fn remove_faults(&self) -> Result<(), SandboxError> {
        self.send("DELETE", "/faults", None).map(|_| ())
    }

    /// Receives a message from a person, with the fields of docs/sandbox.md 6; returns it. Waits up to
    /// five seconds for the callback's answer.
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn incoming(&self, message: Value) -> Result<Value, SandboxError> {
        self.send("POST", "/incoming", Some(&message))
    }

    /// Sets what becomes of messages that are sent from now on (docs/sandbox.md 6).
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn life(&self, life: Value) -> Result<(), SandboxError> {
        self.send("PUT", "/life", Some(&life)).map(|_| ())
    }

    /// Sets the URLs of callbacks (docs/sandbox.md 6).
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn set_callbacks(&self, callbacks: Value) -> Result<(), SandboxError> {
        match self.send("PUT", "/callbacks", Some(&callbacks))?["code"].as_str() {
            Some("ok") => Ok(()),
            code => Err(SandboxError::Rejected { status: 200, detail: code.unwrap_or_default().to_owned() }),
        }
    }

    /// What was posted to callbacks, oldest first.
    pub fn callbacks(&self) -> Result<Vec<Value>, SandboxError> {
        Ok(list(self.send("GET", "/callbacks", None)?, "callbacks"))
    }

    /// What was asked with the tenant's keys, oldest first.
    pub fn requests(&self) -> Result<Vec<Value>, SandboxError> {
        Ok(list(self.send("GET", "/requests", None)?, "requests"))
    }

    /// Fails unless as many requests fit as the verification says (docs/sandbox.md 5); returns how many do.
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn verify(&self, verification: Value) -> Result<u64, SandboxError> {
        let answer = self.send("POST", "/verify", Some(&verification))?;
        let count = answer["count"].as_u64().unwrap_or_default();
        if answer["ok"] == true {
            return Ok(count);
        }
        let first = format!("{count} requests fit; expected: {}", answer["expected"]);
        let lines = list(answer, "closest").into_iter();
        let lines = lines.map(|entry| format!("\nall but {} fits: {}", entry["differs"], line(&entry)));
        Err(SandboxError::NotVerified(first + &lines.collect::<String>()))
    }

    fn send(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<Value, SandboxError> {
        self.control.send(method, &format!("{}{path}", self.path), body)
    }
}

/// A journal's entry as one line.
fn line(entry: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let [method, path] = [text(&entry["method"]), text(&entry["path"])];
    format!("{method} {path} {} -> {}", entry["body"], entry["status"])
}

impl Drop for TestTenant {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for entry in self.requests().unwrap_or_default() {
                // A failed test's output; nobody reads it if this fails.
                let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{}\n", line(&entry)));
            }
        }
        // The sandbox may have ended before its tenant.
        let _ = self.send("DELETE", "", None);
    }
}

/// A tenant's clock.
pub struct TenantClock<'a>(&'a TestTenant);

impl TenantClock<'_> {
    /// The time of the tenant, such as `2026-03-01T10:00:00.000Z`.
    pub fn now(&self) -> Result<String, SandboxError> {
        let shown = self.0.send("GET", "/clock", None)?;
        Ok(shown["now"].as_str().unwrap_or_default().to_owned())
    }

    /// Stops the clock at a date.
    pub fn stop(&self, at: &str) -> Result<(), SandboxError> {
        self.change(&json!({"now": at}))
    }

    /// Lets the clock run from a date on.
    pub fn run(&self, from: &str) -> Result<(), SandboxError> {
        self.change(&json!({"now": from, "runs": true}))
    }

    /// Moves the clock forward by an ISO 8601 duration such as `P31D`.
    pub fn advance(&self, by: &str) -> Result<(), SandboxError> {
        self.change(&json!({"advance": by}))
    }

    /// Shows the machine's time again.
    pub fn machine(&self) -> Result<(), SandboxError> {
        self.change(&json!({"machine": true}))
    }

    fn change(&self, change: &Value) -> Result<(), SandboxError> {
        self.0.send("PUT", "/clock", Some(change)).map(|_| ())
    }
}
