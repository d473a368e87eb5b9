//! Request ids: the one that a response returns, and the form in which the log may contain it; knows no route.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LENGTH: usize = 128;

/// The id that the client sent, if it consists of 1 to 128 visible ASCII characters; otherwise a new one.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    let sent = headers.get(REQUEST_ID).filter(|value| {
        let bytes = value.as_bytes();
        !bytes.is_empty() && bytes.len() <= MAX_LENGTH && bytes.iter().all(u8::is_ascii_graphic)
    });
    // A UUID's text is a valid header value.
    let new = || HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).unwrap_or(HeaderValue::from_static("-"));
    sent.cloned().unwrap_or_else(new)
}

/// The form of an id for the log: verbatim if it has a known format, otherwise the beginning of its SHA-256 digest,
/// because it could be anything. An id that also occurs in another header, as a key does, is always digested.
pub fn loggable(id: &HeaderValue, headers: &HeaderMap) -> String {
    let text = id.to_str().unwrap_or_default();
    let is_in_another = headers.iter().any(|(name, value)| name != REQUEST_ID && ends_with(value.as_bytes(), text));
    if has_known_format(text) && !is_in_another {
        return text.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    format!("sha256:{}", crate::model::hexadecimal(&digest[..4]))
}

/// Whether a text has the format of a UUID, a ULID, a trace id or a W3C traceparent. A text without a letter has none:
/// it may contain a phone number.
fn has_known_format(text: &str) -> bool {
    let is_hexadecimal = |lengths: &[usize]| {
        let parts = text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(part.len()));
        parts.eq(lengths.iter().copied().map(Some))
    };
    let is_ulid = || {
        let is_crockford = |byte: u8| byte.is_ascii_alphanumeric() && !b"ILOUilou".contains(&byte);
        text.len() == 26 && text.bytes().all(is_crockford)
    };
    let has_format =
        is_hexadecimal(&[8, 4, 4, 4, 12]) || is_hexadecimal(&[32]) || is_hexadecimal(&[2, 32, 16, 2]) || is_ulid();
    has_format && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether a header's value ends with an id, ignoring case and hyphens. A webhook key follows a word, in a header of
/// any name.
fn ends_with(value: &[u8], id: &str) -> bool {
    let significant = |byte: &u8| *byte != b'-';
    let mut value = value.iter().rev().copied().filter(significant);
    id.bytes().rev().filter(significant).all(|byte| value.next().is_some_and(|other| other.eq_ignore_ascii_case(&byte)))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::loggable;

    fn logged(id: &str, headers: &[(&'static str, &str)]) -> String {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        loggable(&HeaderValue::from_str(id).unwrap(), &headers.collect::<HeaderMap>())
    }

    #[test]
    fn known_id_formats_are_logged_verbatim_others_as_a_digest() {
        for id in [
            "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10",
            "0C6F7A52-52F1-4B0C-9D6E-1F8C2A4B7E10",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(logged(id, &[("host", "x")]), id);
        }
        for other in [
            "abc-1",
            "+79001112233",
            "79001112233",
            "tel:79001112233",
            "Anna-79001112233",
            "anna@example.com",
            "00000000000000000079001112233000",
            "00000000-0000-0000-0000-079001112233",
            "00000000000000079001112233",
            "01ARZ3NDEKTSV4RRFFQ69G5FAU",
            "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10-79001112233",
            "0c6f7a5252f1-4b0c-9d6e-1f8c2a4b7e10",
        ] {
            let logged = logged(other, &[]);
            assert!(logged.starts_with("sha256:") && logged.len() == 15, "{other}: {logged}");
        }
    }

    #[test]
    fn id_that_repeats_another_header_is_logged_as_a_digest() {
        let key = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10";
        for (id, header) in [
            (key, ("x-api-key", key.to_owned())),
            (key, ("authorization", format!("Token {}", key.to_uppercase()))),
            (&*key.replace('-', ""), ("apikey", key.to_owned())),
        ] {
            assert!(logged(id, &[(header.0, &header.1)]).starts_with("sha256:"), "{id} {header:?}");
        }
        assert_eq!(logged(key, &[("x-api-key", "e10")]), key);
    }
}
