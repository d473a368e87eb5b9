//! The page for signing in, and signing out; knows no store.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use fluent_bundle::FluentValue;
use maud::{Markup, html};

use super::csrf::form_token;
use super::layout::token_field;
use super::own_address::own_address;
use super::visit::{Form, SignedIn, Visit, redirect};
use super::zone::Zone;
use crate::model::key::Secret;
use crate::model::user::Password;
use crate::sign_in::{Attempt, SignInError};

/// `GET /console/login`.
pub async fn show_login(visit: Visit) -> HttpResponse {
    let next = own_address(visit.parameter("next").as_deref().unwrap_or_default()).to_owned();
    match visit.session().await {
        Ok(Some(_)) => redirect(&next).finish(),
        Ok(None) => page(&visit, StatusCode::OK, &LoginForm { next: &next, login: "", problem: None }),
        Err(error) => visit.unavailable(&error),
    }
}

/// `POST /console/login`.
pub async fn sign_in(mut form: Form) -> HttpResponse {
    let (login, next) = (form.take("login"), own_address(form.field("next")).to_owned());
    let zone = Zone::from_name(form.field("zone"));
    let password = Password::presented(form.take("password"));
    // Many may wait to be verified.
    let visit = form.into_visit();
    let attempt = Attempt { login: login.clone(), password, from: visit.client(), replaces: visit.cookies.session() };
    let error = match visit.app.sign_in.sign_in(attempt, visit.now).await {
        Ok(token) => {
            let mut response = redirect(&next);
            response.cookie(visit.cookies.with_session(&token)).cookie(visit.cookies.without_form());
            // That of the browser, until the user chooses another.
            if let Some(zone) = zone.filter(|_| visit.cookies.zone().is_none()) {
                response.cookie(visit.cookies.with_zone(zone));
            }
            return response.finish();
        }
        Err(error) => error,
    };
    let texts = visit.texts();
    let (status, problem) = match error {
        SignInError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, texts.text("wrong-login")),
        SignInError::TooMany { retry_after } => {
            let seconds = FluentValue::from(retry_after);
            (StatusCode::TOO_MANY_REQUESTS, texts.with("too-many-attempts", [("seconds", seconds)]))
        }
        SignInError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, texts.text("unavailable")),
    };
    let mut response = page(&visit, status, &LoginForm { next: &next, login: &login, problem: Some(&problem) });
    if let SignInError::TooMany { retry_after } = error {
        response.headers_mut().insert(RETRY_AFTER, retry_after.into());
    }
    response
}

/// `POST /console/logout`.
pub async fn sign_out(signed_in: SignedIn, _: Form) -> HttpResponse {
    let visit = &signed_in.visit;
    match visit.app.sign_in.sign_out(&signed_in.user, signed_in.token(), (visit.client(), visit.now)).await {
        Ok(()) => redirect("/console/login").cookie(visit.cookies.without_session()).finish(),
        Err(error) => visit.unavailable(&error),
    }
}

/// What the page shows.
struct LoginForm<'a> {
    /// Where a user who signs in is led.
    next: &'a str,
    login: &'a str,
    problem: Option<&'a str>,
}

/// The page, with a token that its form sends back.
fn page(visit: &Visit, status: StatusCode, shown: &LoginForm<'_>) -> HttpResponse {
    let (token, is_new) = visit.cookies.form().map_or_else(|| (Secret::random(), true), |token| (token, false));
    let token_text = form_token(&token);
    let content = form(visit, &token_text, shown);
    let address = serde_urlencoded::to_string([("next", shown.next)]).unwrap_or_default();
    let title = visit.texts().text("sign-in-title");
    let mut response = visit.page(status, (&title, &token_text, format!("/console/login?{address}")), &content);
    if is_new {
        // A cookie that the console made is a valid header.
        let _ = response.add_cookie(&visit.cookies.with_form(&token));
    }
    response
}

fn form(visit: &Visit, token: &str, LoginForm { next, login, problem }: &LoginForm<'_>) -> Markup {
    let texts = visit.texts();
    let (described, invalid) = (problem.map(|_| "problem"), problem.map(|_| "true"));
    html! {
        @if let Some(problem) = problem { p #problem role="alert" { (problem) } }
        form.stacked method="post" action="/console/login" {
            (token_field(token))
            input type="hidden" name="next" value=(next);
            label for="login" { (texts.text("login")) }
            input #login name="login" value=(login) autocomplete="username" autocapitalize="none" spellcheck="false"
                required autofocus[login.is_empty()] aria-describedby=[described] aria-invalid=[invalid];
            label for="password" { (texts.text("password")) }
            input #password name="password" type="password" autocomplete="current-password" required
                autofocus[!login.is_empty()] aria-describedby=[described] aria-invalid=[invalid];
            // The browser's, which a script adds.
            input #browser-zone type="hidden" name="zone";
            button { (texts.text("sign-in")) }
        }
    }
}
