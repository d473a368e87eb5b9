//! The address of another endpoint and the key to it, as they are given; knows no connection.

use std::fmt;

/// Where another endpoint is: `http` or `https`, a host, perhaps a port and a path before the endpoint's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamUrl(String);

impl UpstreamUrl {
    /// Reads an address; otherwise says what is wrong with it, and repeats nothing of it: it could hold a key.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it does not begin with https:// or http://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "https" | "http") {
            return Err("it does not begin with https:// or http://");
        }
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if text.contains(['?', '#']) {
            return Err("it has a query; give it without what follows the '?' or '#'");
        }
        if host.contains('@') {
            return Err("it has a user or a password in it; keys go into the key file");
        }
        if text.contains(|char: char| !char.is_ascii_graphic() || "\"<>\\^`{|}".contains(char)) {
            return Err("it has a character that no address has");
        }
        let name = host.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        match name {
            _ if host.is_empty() => return Err("it names no host"),
            Some(("", _)) => return Err("it names no host"),
            Some((_, port)) if port.parse::<u16>().is_err() => return Err("its port is no port"),
            _ => {}
        }
        Ok(Self(format!("{scheme}://{}{}", host.to_ascii_lowercase(), path.trim_end_matches('/'))))
    }

    /// The address without a slash at its end, always the same for one endpoint.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key to another endpoint. It never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamKey(String);

impl UpstreamKey {
    /// Reads a key as a file holds it. Other accounts' keys may look different from ours, so what a header can hold
    /// is a key.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.trim_start_matches('\u{feff}').trim() {
            "" => Err("it is empty"),
            key if key.lines().count() > 1 => Err("it has more than one line; it must hold the key and nothing else"),
            key if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err("it has a character that no key has, such as a space or a letter beyond ASCII")
            }
            key => Ok(Self(key.to_owned())),
        }
    }

    /// The key itself, for the header.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UpstreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamKey(…)")
    }
}
