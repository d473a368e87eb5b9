//! Validates single settings; knows no file and no environment.

use validator::ValidationError;

use crate::model::upstream::UpstreamUrl;
use crate::store::{self, DatabaseUrl};

pub fn valid_bind(bind: &str) -> Result<(), ValidationError> {
    validate_bind(bind).map_err(|reason| ValidationError::new("bind").with_message(reason.into()))
}

/// Rejects anything but an address or a host name followed by a port. A name is resolved when the server starts.
pub fn validate_bind(bind: &str) -> Result<(), &'static str> {
    let is_host = |host: &str| {
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        bracketed.map_or(!host.is_empty() && !host.contains([':', '/', ' ', '[', ']']), |host| {
            host.parse::<std::net::Ipv6Addr>().is_ok()
        })
    };
    match bind.rsplit_once(':') {
        Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Ok(()),
        _ => Err("must be an address or a name with a port, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080"),
    }
}

pub fn valid_database(url: &str) -> Result<(), ValidationError> {
    let invalid = |error: store::StoreError| ValidationError::new("url").with_message(error.to_string().into());
    DatabaseUrl::parse(url).map(|_| ()).map_err(invalid)
}

pub fn valid_replicas(replicas: &[String]) -> Result<(), ValidationError> {
    let invalid = |error: store::StoreError| ValidationError::new("url").with_message(error.to_string().into());
    replicas.iter().try_for_each(|replica| DatabaseUrl::check_replica(replica)).map_err(invalid)
}

pub fn valid_origins(origins: &[String]) -> Result<(), ValidationError> {
    let is_origin = |origin: &String| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        origin == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']))
    };
    if origins.iter().all(is_origin) {
        return Ok(());
    }
    Err(ValidationError::new("origin").with_message("each must be an origin such as https://desk.example, or *".into()))
}

pub fn valid_header(name: &str) -> Result<(), ValidationError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_token) {
        return Ok(());
    }
    Err(ValidationError::new("header").with_message("must be a header name, such as Authorization".into()))
}

pub fn valid_upstream(url: &str) -> Result<(), ValidationError> {
    let invalid = |reason: &str| {
        let sentence = format!("must be an address such as https://upstream.example: {reason}");
        ValidationError::new("url").with_message(sentence.into())
    };
    UpstreamUrl::parse(url).map(|_| ()).map_err(invalid)
}
