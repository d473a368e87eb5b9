//! The errors of OneUptime's dialect in the OpenAPI document, each with the exact body that is sent; nothing here runs
//! on a request.

use utoipa::IntoResponses;

use crate::document::{Responses, reference, response, retry_after};
use crate::keys::Limit;
use crate::oneuptime::OneUptimeError;
use crate::oneuptime::error::Action;
use crate::web::CommonError;
use crate::web::error::ErrorResponse;

const BAD_ID: &str =
    "Invalid ID format: \"abc\". Expected a valid UUID (e.g., \"550e8400-e29b-41d4-a716-446655440000\").";
const MALFORMED: &str = "The body is not valid JSON (line 1, column 12).";
const UNKNOWN_COLUMN: &str = "Invalid column on WhatsApp Log - foo. Column does not exist.";

type Case = (&'static str, OneUptimeError);

fn bad(name: &'static str, text: &str) -> Case {
    (name, OneUptimeError::bad(text))
}

fn put(responses: &mut Responses, status: u16, description: &str, cases: &[Case]) {
    let examples: Vec<_> = cases.iter().map(|(name, error)| (*name, error.body())).collect();
    let mut response = response(description, reference("LogError"), &examples);
    if status == 429 || status == 503 {
        response = response.header("Retry-After", retry_after());
    }
    responses.insert(status.to_string(), response.build().into());
}

/// The errors of a route: those of every route, its `wrong` requests and its `unprocessable` ones.
fn errors(action: Action, wrong: Vec<Case>, unprocessable: (&str, &[Case])) -> Responses {
    let mut responses = Responses::new();
    let mut bad_requests = vec![("invalid-key", OneUptimeError::InvalidKey), bad("malformed-json", MALFORMED)];
    bad_requests.extend(wrong);
    put(&mut responses, 400, "The key is unknown, expired or revoked, or the request is not valid.", &bad_requests);
    put(&mut responses, 401, "No key.", &[("no-key", OneUptimeError::NoKey(action))]);
    let elsewhere = OneUptimeError::PageNotFound("/api/whatsapp-log/get-lists".into());
    put(&mut responses, 404, "No such path, or no such method on it.", &[("page-not-found", elsewhere)]);
    put(
        &mut responses,
        413,
        "The body is longer than the limit, 1 MiB by default.",
        &[("body-over-the-limit", CommonError::TooLarge { limit: 1024 * 1024 }.into())],
    );
    put(&mut responses, 422, unprocessable.0, unprocessable.1);
    put(
        &mut responses,
        429,
        "The key exceeds its limit, if it has one, or the address sent too many wrong keys.",
        &[("try-again", CommonError::TooMany { limit: Limit::Requests, retry_after: 1 }.into())],
    );
    let sentence = "Stored data cannot be read. Only the log has the cause.";
    put(&mut responses, 500, sentence, &[("damaged-row", CommonError::Internal.into())]);
    put(
        &mut responses,
        503,
        "The store is busy, unreachable or full, or the server is overloaded.",
        &[("try-again", CommonError::Unavailable.into())],
    );
    responses
}

const UNREADABLE: &str = "The key may not read the log, or no key may read a column.";

fn unreadable() -> [Case; 2] {
    [
        ("no-permission", OneUptimeError::NoPermission),
        ("hidden-column", OneUptimeError::Hidden("select", "deletedByUserId".into())),
    ]
}

pub struct ListErrors;

impl IntoResponses for ListErrors {
    fn responses() -> Responses {
        let wrong = vec![
            bad("negative-skip-or-limit", "positiveNumber cannot be less than 0"),
            bad("limit-too-great", "Limit should be less than 100"),
            bad("unknown-column", UNKNOWN_COLUMN),
            bad("unknown-operator", "Invalid query on WhatsApp Log - status: its _type is not an operator."),
            bad("group-by", "GroupBy is currently not supported"),
        ];
        errors(Action::Read, wrong, (UNREADABLE, &unreadable()))
    }
}

pub struct ItemErrors;

impl IntoResponses for ItemErrors {
    fn responses() -> Responses {
        let wrong = vec![bad("malformed-id", BAD_ID), bad("unknown-inner-column", "Column foo not found on Project")];
        errors(Action::Read, wrong, (UNREADABLE, &unreadable()))
    }
}

pub struct CountErrors;

impl IntoResponses for CountErrors {
    fn responses() -> Responses {
        errors(Action::Read, vec![bad("unknown-column", UNKNOWN_COLUMN)], (UNREADABLE, &unreadable()))
    }
}

fn refused(action: Action, wrong: Vec<Case>) -> Responses {
    errors(action, wrong, ("Not allowed with any key.", &[("read-only", OneUptimeError::Refused(action))]))
}

pub struct CreateErrors;

impl IntoResponses for CreateErrors {
    fn responses() -> Responses {
        refused(Action::Create, Vec::new())
    }
}

pub struct UpdateErrors;

impl IntoResponses for UpdateErrors {
    fn responses() -> Responses {
        refused(Action::Update, vec![bad("malformed-id", BAD_ID)])
    }
}

pub struct DeleteErrors;

impl IntoResponses for DeleteErrors {
    fn responses() -> Responses {
        refused(Action::Delete, vec![bad("malformed-id", BAD_ID)])
    }
}
