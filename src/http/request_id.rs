//! A request's id: what is answered, and what of it the log may hold; knows no route.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 128;

/// The id that was sent, where it is fit for a header, or a new one.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    let sent = headers.get(REQUEST_ID).filter(|value| {
        let bytes = value.as_bytes();
        !bytes.is_empty() && bytes.len() <= LONGEST && bytes.iter().all(u8::is_ascii_graphic)
    });
    // A UUID's text is a valid header value.
    let new = || HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).unwrap_or(HeaderValue::from_static("-"));
    sent.cloned().unwrap_or_else(new)
}

/// An id as the log may hold it: as it is where it has the form of an id, and else the beginning of its SHA-256 digest,
/// since it could be anything. What stands in another header too, as a key does, is digested whatever its form.
pub fn loggable(id: &HeaderValue, headers: &HeaderMap) -> String {
    let text = id.to_str().unwrap_or_default();
    let is_in_another = headers.iter().any(|(name, value)| name != REQUEST_ID && ends_with(value.as_bytes(), text));
    if has_the_form_of_an_id(text) && !is_in_another {
        return text.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(4).fold("sha256:".to_owned(), |start, byte| format!("{start}{byte:02x}"))
}

/// Whether a text is spelt as a UUID, a ULID, a trace id or a W3C traceparent. One without a letter is none: a phone
/// number may be in it.
fn has_the_form_of_an_id(text: &str) -> bool {
    let is_hexadecimal = |lengths: &[usize]| {
        let parts = text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(part.len()));
        parts.eq(lengths.iter().copied().map(Some))
    };
    let is_ulid = || {
        let is_of_crockfords_alphabet = |byte: u8| byte.is_ascii_alphanumeric() && !b"ILOUilou".contains(&byte);
        text.len() == 26 && text.bytes().all(is_of_crockfords_alphabet)
    };
    let is_spelt_as_one =
        is_hexadecimal(&[8, 4, 4, 4, 12]) || is_hexadecimal(&[32]) || is_hexadecimal(&[2, 32, 16, 2]) || is_ulid();
    is_spelt_as_one && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether a header ends with an id, in any case of letters and with or without hyphens. A webhook's key stands behind
/// a word, in a header that has any name.
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
