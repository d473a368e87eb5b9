//! The users of the tenant, for administrators; knows no store.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::layout::{role_name, token_field};
use super::shown::{headings, numbers};
use super::visit::{Form, SignedIn, redirect};
use crate::model::user::{Login, Role};
use crate::viewer::users::Change;

/// `GET /console/users`.
pub async fn show_users(signed_in: SignedIn) -> HttpResponse {
    page(&signed_in, StatusCode::OK, None).await
}

/// `POST /console/users`: adds a user.
pub async fn create_user(signed_in: SignedIn, form: Form) -> HttpResponse {
    if let Err(error) = signed_in.viewer().require_admin() {
        return signed_in.refused(&error);
    }
    let texts = signed_in.visit.texts();
    let (login, role) = (Login::parse(form.field("login")), Role::from_word(form.field("role")));
    let senders = senders(form.field("senders"));
    let senders = senders.filter(|senders| senders.is_empty() || role.is_some_and(Role::may_be_limited));
    let (Ok(login), Some(role), Some(senders)) = (login, role, senders) else {
        let problem = html! { p role="alert" { (texts.text("user-not-valid")) } };
        return page(&signed_in, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)).await;
    };
    let name = login.as_str().to_owned();
    match signed_in.viewer().create_user(login, role, Some(senders).filter(|senders| !senders.is_empty())).await {
        Ok(Some(password)) => {
            page(&signed_in, StatusCode::OK, Some(new_password(&signed_in, &name, password.reveal()))).await
        }
        Ok(None) => {
            let problem = html! { p role="alert" { (texts.text("user-not-created")) } };
            page(&signed_in, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)).await
        }
        Err(error) => signed_in.refused(&error),
    }
}

/// `POST /console/users/change`: what a button beside a user does.
pub async fn change_user(signed_in: SignedIn, form: Form) -> HttpResponse {
    if let Err(error) = signed_in.viewer().require_admin() {
        return signed_in.refused(&error);
    }
    let Ok(login) = Login::parse(form.field("login")) else { return signed_in.not_valid() };
    let name = login.as_str().to_owned();
    let viewer = signed_in.viewer();
    let change = match form.field("change") {
        "disable" => Change::Disable,
        "enable" => Change::Enable,
        "end-sessions" => Change::EndSessions,
        "password" => {
            return match viewer.renew_password(login).await {
                Ok(password) => {
                    page(&signed_in, StatusCode::OK, Some(new_password(&signed_in, &name, password.reveal()))).await
                }
                Err(error) => signed_in.refused(&error),
            };
        }
        _ => return signed_in.not_valid(),
    };
    match viewer.change_user(login, change).await {
        Ok(()) => redirect("/console/users").finish(),
        Err(error) => signed_in.refused(&error),
    }
}

/// Numbers of subjects, separated by commas or spaces. `None` if it is anything else.
fn senders(text: &str) -> Option<BTreeSet<i64>> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok().filter(|id| *id > 0)).collect()
}

fn new_password(signed_in: &SignedIn, login: &str, password: &str) -> Markup {
    let texts = signed_in.visit.texts();
    html! { p role="status" { (texts.with("new-password", [("login", login.into())])) " " code { (password) } } }
}

async fn page(signed_in: &SignedIn, status: StatusCode, note: Option<Markup>) -> HttpResponse {
    let times = signed_in.visit.times();
    let texts = times.texts;
    let users = match signed_in.viewer().users().await {
        Ok(users) => users,
        Err(error) => {
            let refused = signed_in.refused(&error);
            let Some(note) = note else { return refused };
            // A new password is shown once, with or without the list.
            let content = html! { (note) p { (texts.text("unavailable")) } };
            return signed_in.page(status, &texts.text("users"), &content);
        }
    };
    let content = html! {
        @if let Some(note) = note { (note) }
        div.scroll tabindex="0" { table {
            (headings(texts, &["login", "role", "senders", "column-created", "sessions", "column-actions"]))
            tbody { @for listed in &users {
                tr {
                    th scope="row" { (listed.user.login) @if listed.disabled_at.is_some() { " (" (texts.text("disabled")) ")" } }
                    td { (role_name(texts, listed.user.role)) }
                    td { (listed.user.grants.senders.as_ref().map_or_else(|| texts.text("all"), numbers)) }
                    td { (times.full(listed.created_at)) }
                    td.number { (listed.sessions) }
                    td { (buttons(signed_in, &listed.user.login, listed.disabled_at.is_some())) }
                }
            } }
        } }
        h2 { (texts.text("new-user")) }
        form.stacked method="post" action="/console/users" {
            (token_field(&signed_in.form_token))
            label for="new-login" { (texts.text("login")) }
            input #new-login name="login" required autocomplete="off" autocapitalize="none" spellcheck="false";
            label for="new-role" { (texts.text("role")) }
            select #new-role name="role" { @for role in Role::ALL { option value=(role.word()) { (role_name(texts, role)) } } }
            label for="new-senders" { (texts.text("senders-hint")) }
            input #new-senders name="senders" autocomplete="off" inputmode="numeric";
            button { (texts.text("create-user")) }
        }
    };
    signed_in.page(status, &texts.text("users"), &content)
}

fn buttons(signed_in: &SignedIn, login: &str, is_disabled: bool) -> Markup {
    let texts = signed_in.visit.texts();
    let is_self = login == signed_in.user.login;
    let state = if is_disabled { ("enable", "enable") } else { ("disable", "disable") };
    let changes = [state, ("end-sessions", "end-sessions"), ("password", "new-password-button")];
    html! {
        form.inline method="post" action="/console/users/change" {
            (token_field(&signed_in.form_token))
            input type="hidden" name="login" value=(login);
            @for (change, label) in changes.into_iter().filter(|(change, _)| !(is_self && *change == "disable")) {
                button name="change" value=(change) aria-label={ (texts.text(label)) ": " (login) } { (texts.text(label)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::senders;

    #[test]
    fn senders_are_numbers_or_none() {
        assert_eq!(senders(""), Some([].into()));
        assert_eq!(senders(" 7, 5 7"), Some([5, 7].into()));
        for wrong in ["x", "0", "-1", "5;6"] {
            assert_eq!(senders(wrong), None, "{wrong}");
        }
    }
}
