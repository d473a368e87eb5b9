//! Which addresses a browser is led to; knows no page.

/// An address of the console to lead a browser to; the start page for any other.
pub fn own_address(address: &str) -> &str {
    let is_own = address.starts_with("/console/") && address.len() <= 1024;
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own && is_plain { address } else { "/console/" }
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn only_addresses_of_the_console_are_returned_to() {
        assert_eq!(own_address("/console/messages/1?tab=raw"), "/console/messages/1?tab=raw");
        for other in ["", "/", "//evil.example", "https://evil.example/console/", "/console/\r\nx: y", "/console/\\x"] {
            assert_eq!(own_address(other), "/console/", "{other}");
        }
    }
}
