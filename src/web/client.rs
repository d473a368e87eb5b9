//! Determines the client's IP address, also behind trusted proxies; knows no key.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The client's address: that of the TCP peer or, if the peer is a trusted proxy, the last address in `X-Forwarded-For`
/// that is not a trusted proxy's.
pub fn address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    if !is_in(trusted, peer) {
        return Some(peer);
    }
    let lines: Vec<&str> =
        request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    let mut nearest = peer;
    for word in lines.iter().flat_map(|line| line.split(',')).rev() {
        // No trusted proxy writes an invalid entry, so the nearest address so far is the one that sent it: the client.
        let Ok(address) = word.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
        if !is_in(trusted, nearest) {
            break;
        }
    }
    Some(nearest)
}

/// Whether the client's request came over TLS, as a trusted proxy says; the gateway itself serves none.
pub fn is_over_tls(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    let is_trusted = request.peer_addr().is_some_and(|peer| is_in(trusted, peer.ip().to_canonical()));
    let lines = request.headers().get_all("x-forwarded-proto").filter_map(|value| value.to_str().ok());
    // Any of several proxies may be the one that the client has reached. A client that adds the word itself gets a cookie
    // that its browser does not send back.
    is_trusted && lines.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case("https"))
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::address;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
        for line in forwarded {
            request = request.append_header(("x-forwarded-for", *line));
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "192.0.2.7/32".parse().unwrap()];
        address(&request.to_http_request(), &trusted).unwrap().to_string()
    }

    #[test]
    fn forwarded_for_is_trusted_only_from_known_proxies() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(client("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        // Entries before the client's own address were written by the client.
        assert_eq!(client("10.1.2.3", &["127.0.0.1, 198.51.100.1, 192.0.2.7"]), "198.51.100.1");
        assert_eq!(client("10.1.2.3", &["198.51.100.1", "10.9.9.9"]), "198.51.100.1");
        assert_eq!(client("10.1.2.3", &["198.51.100.1, unknown"]), "10.1.2.3");
    }
}
