//! The URL of another endpoint, and the key for it; knows no connection.

use std::fmt;

/// The base URL of another endpoint: `http` or `https`, a host, and optionally a port and a path prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamUrl(String);

impl UpstreamUrl {
    /// Parses a URL. The error says what is wrong but repeats no part of the URL, because that could contain a key.
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
            return Err("it has a character that is not allowed in a URL");
        }
        let host_and_port = host.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        match host_and_port {
            _ if host.is_empty() => return Err("it names no host"),
            Some(("", _)) => return Err("it names no host"),
            Some((_, port)) if port.parse::<u16>().is_err() => return Err("its port is not valid"),
            _ => {}
        }
        Ok(Self(format!("{scheme}://{}{}", host.to_ascii_lowercase(), path.trim_end_matches('/'))))
    }

    /// The URL in normal form: scheme and host in lower case, no slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key for another endpoint. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamKey(String);

impl UpstreamKey {
    /// Parses the content of a key file. Keys of other endpoints may look different from ours, so any visible ASCII
    /// characters are accepted: a header can hold them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.trim_start_matches('\u{feff}').trim() {
            "" => Err("it is empty"),
            key if key.lines().count() > 1 => Err("it has more than one line; it must hold the key and nothing else"),
            key if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err("it has a character that is not allowed in a key, such as a space or a letter beyond ASCII")
            }
            key => Ok(Self(key.to_owned())),
        }
    }

    /// The key in clear text, for the header.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UpstreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamKey(…)")
    }
}
