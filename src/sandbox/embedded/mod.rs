//! A sandbox inside the process of a Rust test, which needs no binary; knows no handler.
//!
//! It has no demo tenant, and so none of the fixed keys, and the default settings. Share one among tests of a process, or
//! start one for each: a start takes some tens of milliseconds. One in a `static` is never dropped, and its files stay until
//! another sandbox starts.
//!
//! ```
//! use history_gateway::sandbox::Sandbox;
//! use serde_json::json;
//!
//! let sandbox = Sandbox::start()?;
//! let tenant = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"}))?;
//! tenant.add(json!([{
//!     "messageId": 1, "channelType": "SMS", "direction": "OUT", "address": "79001112233",
//!     "content": "Hello", "sentOrReceivedAt": "2026-03-01T10:00:00Z"
//! }]))?;
//! // Here the program under test asks `sandbox.url()` with `tenant.api_key()`.
//! assert_eq!(tenant.requests()?.len(), 0);
//! # Ok::<(), history_gateway::sandbox::SandboxError>(())
//! ```

mod control;
mod tenant;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

pub use control::SandboxError;
pub use tenant::{FaultRule, TenantClock, TestTenant};

use super::http::{EmbeddedHooks, run};
use control::Control;

/// How long a sandbox may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A running sandbox. It ends, and its files are removed, when this is dropped.
pub struct Sandbox {
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox on a free port of this machine.
    pub fn start() -> Result<Self, SandboxError> {
        let (stop, stopped) = oneshot::channel();
        let (started, start) = mpsc::sync_channel(1);
        let work = move || {
            let report = started.clone();
            let running = EmbeddedHooks {
                started: Box::new(move |url| drop(report.try_send(Ok(url)))),
                stopped: Box::pin(async move {
                    // An error means that the sandbox was dropped.
                    let _ = stopped.await;
                }),
            };
            if let Err(error) = run(running) {
                let _ = started.try_send(Err(error));
            }
        };
        let failed = |error: std::io::Error| SandboxError::Start(error.to_string());
        let thread = std::thread::Builder::new().name("sandbox".into()).spawn(work).map_err(failed)?;
        let answer = start.recv_timeout(START_TIMEOUT);
        let url = answer.map_err(|error| SandboxError::Start(error.to_string()))?.map_err(SandboxError::Start)?;
        Ok(Self { control: Control::new(url), stop: Some(stop), thread: Some(thread) })
    }

    /// The base URL for the program under test.
    pub fn url(&self) -> &str {
        self.control.url()
    }

    /// Creates a tenant: `{}`, or an object with fixtures, logs, now, strict (docs/sandbox.md 2).
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes json!(…) in place")]
    pub fn tenant(&self, fields: Value) -> Result<TestTenant, SandboxError> {
        let created = self.control.send("POST", "/tenants", Some(&fields))?;
        Ok(TestTenant::new(self.control.clone(), &created))
    }

    /// The requests whose key belongs to no tenant.
    pub fn unmatched(&self) -> Result<Vec<Value>, SandboxError> {
        Ok(control::list(self.control.send("GET", "/unmatched", None)?, "requests"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}
