//! The error titles of responses in edna's form; knows no error.

use serde::Serialize;
use utoipa::ToSchema;

macro_rules! titles {
    ($($name:ident = $title:tt,)*) => {
        /// What went wrong, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        pub enum ErrorTitle {
            $(#[serde(rename = $title)] $name,)*
        }

        impl ErrorTitle {
            pub const ALL: [Self; [$($title),*].len()] = [$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }
        }
    };
}

titles! {
    KeyNotFound = "Api-key not found",
    AccessDenied = "access-denied",
    NotValidRequest = "not-valid-request",
    LimitNotValid = "limit-not-valid",
    DateRangeNotValid = "date-range-not-valid",
    SubjectNotFound = "message-matcher-subject-not-found",
    NotFound = "not-found",
    MethodNotAllowed = "method-not-allowed",
    RequestTooLarge = "request-too-large",
    TooManyRequests = "too-many-requests",
    InternalError = "internal-error",
    ServiceUnavailable = "service-unavailable",
    ChangesExpired = "changes-expired",
}
