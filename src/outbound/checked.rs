//! An HTTP client that calls only addresses that a check allows; knows no rule of the check.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::USER_AGENT;

/// Decides on a host and an address of it.
type Check = Box<dyn Fn(&str, SocketAddr) -> bool + Send + Sync>;

/// A client that calls only addresses that a check allows. A name is resolved once for each request, every address of it is
/// checked, and a checked one is connected. It follows no redirect and uses no proxy.
pub struct CheckedClient(Agent);

/// How much of a response is read before its connection is closed, in bytes.
const MAX_CHECKED_BYTES: u64 = 64 * 1024;

impl CheckedClient {
    /// `timeout` covers a request and its whole response; `allow` decides on a host and an address of it.
    pub fn new(timeout: Duration, allow: impl Fn(&str, SocketAddr) -> bool + Send + Sync + 'static) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
        let config = config.max_idle_connections(0).user_agent(USER_AGENT).timeout_global(Some(timeout)).build();
        let resolver = CheckedResolver { resolver: DefaultResolver::default(), allow: Box::new(allow) };
        Self(Agent::with_parts(config, DefaultConnector::default(), resolver))
    }

    /// Posts JSON; returns the status, or `None` if nothing answered, or may not be called.
    pub async fn post(&self, url: String, authorization: Option<String>, body: String) -> Option<u16> {
        let agent = self.0.clone();
        let posted = tokio::task::spawn_blocking(move || {
            let request = agent.post(url).content_type("application/json");
            let request =
                authorization.into_iter().fold(request, |request, value| request.header("Authorization", value));
            status_of(request.send(body))
        });
        posted.await.ok().flatten()
    }

    /// Sends a HEAD request; returns the status like `post`.
    pub async fn head(&self, url: String) -> Option<u16> {
        let agent = self.0.clone();
        tokio::task::spawn_blocking(move || status_of(agent.head(url).call())).await.ok().flatten()
    }
}

/// The status of a response, after its body was read as far as it is read.
fn status_of(answer: Result<ureq::http::Response<Body>, ureq::Error>) -> Option<u16> {
    let mut answer = answer.ok()?;
    // A body that is too long, or breaks off, was answered all the same.
    let _ = answer.body_mut().with_config().limit(MAX_CHECKED_BYTES).read_to_vec();
    Some(answer.status().as_u16())
}

struct CheckedResolver {
    resolver: DefaultResolver,
    allow: Check,
}

impl fmt::Debug for CheckedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedResolver")
    }
}

impl Resolver for CheckedResolver {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        // One address that may not be called is enough to call none: a name must not lead to two kinds of servers.
        if found.iter().all(|address| (self.allow)(host, *address)) {
            Ok(found)
        } else {
            Err(ureq::Error::HostNotFound)
        }
    }
}
