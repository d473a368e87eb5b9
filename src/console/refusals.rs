//! The pages that say why nothing is shown to a user who is signed in; knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::filters::FilterError;
use super::visit::{SignedIn, html};
use crate::viewer::ViewError;

impl SignedIn {
    /// A page that says why there is nothing to see.
    pub fn refused(&self, error: &ViewError) -> HttpResponse {
        match error {
            ViewError::NotFound => self.not_found(),
            ViewError::NoSuchSubject => self.problem(StatusCode::NOT_FOUND, "not-found-title", "no-such-subject"),
            ViewError::NotValid => self.not_valid(),
            ViewError::NotAllowed => self.problem(StatusCode::FORBIDDEN, "not-allowed-title", "not-allowed"),
            ViewError::Store(error) => {
                error.log("a page of the console could not be made");
                self.problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable-title", "unavailable")
            }
            ViewError::Audit(error) => {
                tracing::error!(cause = %error, "a page of the console was refused, because it cannot be recorded");
                self.problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable-title", "not-recorded")
            }
        }
    }

    pub fn not_found(&self) -> HttpResponse {
        self.problem(StatusCode::NOT_FOUND, "not-found-title", "not-found")
    }

    pub fn no_such_page(&self) -> HttpResponse {
        self.problem(StatusCode::NOT_FOUND, "not-found-title", "no-such-page")
    }

    pub fn not_valid(&self) -> HttpResponse {
        self.problem(StatusCode::BAD_REQUEST, "not-valid-title", "not-valid")
    }

    pub fn not_valid_days(&self) -> HttpResponse {
        self.problem(StatusCode::BAD_REQUEST, "not-valid-title", "not-valid-days")
    }

    /// For a list whose filters cannot be used.
    pub fn refused_filter(&self, error: FilterError) -> HttpResponse {
        match error {
            FilterError::OtherSession => self.other_session(),
            FilterError::Unknown => self.not_valid(),
            FilterError::NotValid(name) => self.not_valid_filter(name),
            FilterError::Reversed => self.not_valid_days(),
        }
    }

    pub fn not_valid_filter(&self, name: &'static str) -> HttpResponse {
        let text = self.visit.texts().with("not-valid-filter", [("name", name.into())]);
        html(StatusCode::BAD_REQUEST, self.frame().problem_of("not-valid-title", &text))
    }

    /// For an address with values that another session has sealed.
    pub fn other_session(&self) -> HttpResponse {
        self.problem(StatusCode::NOT_FOUND, "other-session-title", "other-session")
    }

    fn problem(&self, status: StatusCode, title: &'static str, text: &'static str) -> HttpResponse {
        html(status, self.frame().problem(title, text))
    }
}
