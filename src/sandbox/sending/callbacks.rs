//! Where a tenant's callbacks go, and where they may go; knows no message.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The URLs of a tenant's callbacks.
#[derive(Default)]
pub struct Callbacks {
    /// For all subjects under `None`.
    urls: BTreeMap<Option<i64>, Urls>,
    pub authorization: Option<String>,
}

#[derive(Clone, Default)]
struct Urls {
    status: Option<String>,
    incoming: Option<String>,
}

/// A change of callbacks; a URL that is not given stays.
#[derive(Clone, Debug, Default)]
pub struct CallbackChange {
    pub status: Option<String>,
    pub incoming: Option<String>,
    pub subject: Option<i64>,
}

impl Callbacks {
    pub fn change(&mut self, change: &CallbackChange) {
        let urls = self.urls.entry(change.subject).or_default();
        urls.status = change.status.clone().or(urls.status.take());
        urls.incoming = change.incoming.clone().or(urls.incoming.take());
    }

    pub fn status_url(&self, subject: i64) -> Option<String> {
        self.of(subject, |urls| urls.status.clone())
    }

    pub fn incoming_url(&self, subject: i64) -> Option<String> {
        self.of(subject, |urls| urls.incoming.clone())
    }

    /// The URL of the subject itself, or of all subjects.
    fn of(&self, subject: i64, url: impl Fn(&Urls) -> Option<String>) -> Option<String> {
        let own = self.urls.get(&Some(subject)).and_then(&url);
        own.or_else(|| self.urls.get(&None).and_then(&url))
    }
}

/// Which servers a sandbox may post to: a sandbox on a loopback address, servers on loopback addresses; any other, only
/// those that were named at its start. Never itself.
#[derive(Clone, Debug, Default)]
pub struct Destinations {
    /// Whether the sandbox listens on a loopback address.
    pub is_local: bool,
    /// The port that it listens on.
    pub own_port: u16,
    /// The names and ports that were given at the start.
    pub hosts: Vec<String>,
}

impl Destinations {
    /// Whether a host may be called at the address that its name resolved to.
    pub fn allow(&self, host: &str, address: SocketAddr) -> bool {
        if address.port() == self.own_port {
            return false;
        }
        if self.is_local {
            return address.ip().to_canonical().is_loopback();
        }
        self.hosts.iter().any(|allowed| {
            let (name, port) = allowed.rsplit_once(':').unwrap_or_default();
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name.eq_ignore_ascii_case(host) && port == address.port().to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Destinations;

    #[test]
    fn destinations_are_loopback_or_named_and_never_the_sandbox() {
        let local = Destinations { is_local: true, own_port: 8080, hosts: Vec::new() };
        let allowed =
            |destinations: &Destinations, host: &str, address: &str| destinations.allow(host, address.parse().unwrap());
        assert!(allowed(&local, "localhost", "127.0.0.1:9000"));
        assert!(allowed(&local, "localhost", "[::1]:9000"));
        assert!(!allowed(&local, "localhost", "127.0.0.1:8080"));
        for address in ["10.0.0.1:9000", "0.0.0.0:9000", "169.254.169.254:80", "[::]:9000", "[fe80::1]:9000"] {
            assert!(!allowed(&local, "localhost", address), "{address}");
        }
        let open = Destinations { is_local: false, own_port: 8080, hosts: vec!["app:9000".into()] };
        assert!(allowed(&open, "APP", "10.0.0.1:9000"));
        let bracketed = Destinations { hosts: vec!["[fd00::1]:9000".into()], ..open.clone() };
        assert!(allowed(&bracketed, "fd00::1", "[fd00::1]:9000"));
        assert!(!allowed(&open, "app", "10.0.0.1:9001"));
        assert!(!allowed(&open, "localhost", "127.0.0.1:9000"));
        assert!(!allowed(&open, "app", "10.0.0.1:8080"));
    }
}
