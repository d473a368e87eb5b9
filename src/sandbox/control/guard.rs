//! Keeps web pages of other origins away from the control routes, which need no key; knows no route.

use std::net::IpAddr;

use actix_web::dev::RequestHead;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, ORIGIN, TRANSFER_ENCODING};

use crate::sandbox::error::ControlError;

/// Fails unless the request addresses a loopback host, or one of `hosts`, is from no other origin, and says that its
/// body, if it has one, is JSON.
pub fn check(request: &RequestHead, hosts: &[String]) -> Result<(), ControlError> {
    let all = |name: HeaderName| request.headers().get_all(name).map(|value| value.to_str().unwrap_or_default());
    let header = |name: HeaderName| all(name).next();
    let host = header(HOST).unwrap_or_default();
    // Of several values, each must be right; a target that names a host must name an allowed one too.
    let is_host_allowed = all(HOST).count() > 0 && all(HOST).all(|host| is_allowed(host, hosts));
    let is_target_allowed = request.uri.authority().is_none_or(|target| is_allowed(target.as_str(), hosts));
    if !is_host_allowed || !is_target_allowed {
        let sentence = "The Host header must name a loopback address, or a name given with --host.";
        return Err(ControlError::Forbidden(sentence));
    }
    if all(ORIGIN).any(|origin| !is_own(origin, host)) {
        return Err(ControlError::Forbidden("The Origin header must be left out, or name this sandbox."));
    }
    let has_body = header(CONTENT_LENGTH).is_some_and(|length| length != "0") || header(TRANSFER_ENCODING).is_some();
    let is_json =
        |kind: &str| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json");
    if has_body && !(header(CONTENT_TYPE).is_some() && all(CONTENT_TYPE).all(is_json)) {
        return Err(ControlError::Forbidden("The Content-Type header must be application/json."));
    }
    Ok(())
}

fn is_own(origin: &str, host: &str) -> bool {
    origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

fn is_allowed(host: &str, hosts: &[String]) -> bool {
    let name = without_port(host);
    let is_loopback = name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    is_loopback
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host))
}

/// A host without its port; empty if it is malformed.
fn without_port(host: &str) -> &str {
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if let Some(inside) = host.strip_prefix('[') {
        return match inside.split_once(']') {
            Some((name, "")) => name,
            Some((name, rest)) if rest.strip_prefix(':').is_some_and(is_port) => name,
            _ => "",
        };
    }
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        Some(_) => "",
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn hosts_are_loopback_or_allowed_by_name() {
        for host in
            ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "[::ffff:127.0.0.1]", "box:1"]
        {
            assert!(is_allowed(host, &["box".into()]), "{host}");
        }
        for host in [
            "",
            "[::1",
            "[::1]x",
            "localhost:abc",
            "localhost:99999",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
        ] {
            assert!(!is_allowed(host, &["box".into()]), "{host}");
        }
    }
}
