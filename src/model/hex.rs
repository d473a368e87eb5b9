//! Bytes as text; knows nothing else.

/// Two lower-case digits for each byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    // Each request that is recorded has several digests: formatting each byte would be most of the time that they take.
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits);
    text
}

#[cfg(test)]
mod tests {
    use super::hexadecimal;

    #[test]
    fn each_byte_has_two_digits() {
        assert_eq!(hexadecimal(&[0, 1, 15, 16, 255]), "00010f10ff");
        assert_eq!(hexadecimal(&[]), "");
    }
}
