//! Which address a request comes from, also behind proxies that are trusted; knows no key.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The address of the client: of whoever is connected, or, where that is a trusted proxy, the last address in
/// `X-Forwarded-For` that is none.
pub fn address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let lines: Vec<&str> =
        request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    let mut nearest = peer;
    for word in lines.iter().flat_map(|line| line.split(',')).rev() {
        // What cannot be read was written by nobody who is trusted, so whoever is before it is the client.
        let Ok(address) = word.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
        if !is_trusted(&nearest) {
            break;
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::address;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
        for line in forwarded {
            request = request.append_header(("x-forwarded-for", *line));
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "192.0.2.7/32".parse().unwrap()];
        address(&request.to_http_request(), &trusted).unwrap().to_string()
    }

    #[test]
    fn forwarded_for_is_trusted_only_from_known_proxies() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(seen("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        // What stands before the client's own address was written by the client.
        assert_eq!(seen("10.1.2.3", &["127.0.0.1, 198.51.100.1, 192.0.2.7"]), "198.51.100.1");
        assert_eq!(seen("10.1.2.3", &["198.51.100.1", "10.9.9.9"]), "198.51.100.1");
        assert_eq!(seen("10.1.2.3", &["198.51.100.1, unknown"]), "10.1.2.3");
    }
}
