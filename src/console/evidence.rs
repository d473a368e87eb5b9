//! Evidence of a message or a conversation, as a page and as a file; knows no store and not what a sheet looks like.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, ContentType};
use actix_web::web::Path;
use maud::{Markup, html};

use super::conversation::reveal_form;
use super::layout::token_field;
use super::sheet::{file, sheet};
use super::time::Times;
use super::visit::{Form, SignedIn};
use crate::model::Instant;
use crate::viewer::evidence::{Days, Scope};

/// `GET /console/evidence/messages/{id}`.
pub async fn show_of_message(signed_in: SignedIn, id: Path<String>) -> HttpResponse {
    show(signed_in, id.parse().ok().map(Scope::Message)).await
}

/// `GET /console/evidence/people/{id}`.
pub async fn show_of_person(signed_in: SignedIn, id: Path<String>) -> HttpResponse {
    let Some(days) = days(&signed_in) else { return signed_in.not_valid_days() };
    show(signed_in, id.parse().ok().map(|id| Scope::Conversation(id, days))).await
}

/// `POST /console/evidence/messages/{id}`.
pub async fn download_of_message(signed_in: SignedIn, id: Path<String>, _: Form) -> HttpResponse {
    download(signed_in, id.parse().ok().map(Scope::Message)).await
}

/// `POST /console/evidence/people/{id}`.
pub async fn download_of_person(signed_in: SignedIn, id: Path<String>, _: Form) -> HttpResponse {
    let Some(days) = days(&signed_in) else { return signed_in.not_valid_days() };
    download(signed_in, id.parse().ok().map(|id| Scope::Conversation(id, days))).await
}

/// The days that the address names; `None` if it names none.
fn days(signed_in: &SignedIn) -> Option<Days> {
    let visit = &signed_in.visit;
    let given = |name| visit.parameter(name).unwrap_or_default();
    let (from, to) = visit.times().zone.days(&given("from"), &given("to")).ok()?;
    Some(Days { from, to })
}

async fn show(signed_in: SignedIn, scope: Option<Scope>) -> HttpResponse {
    let Some(scope) = scope else { return signed_in.not_found() };
    let texts = signed_in.visit.texts();
    match signed_in.viewer().evidence(scope).await {
        Ok(found) => {
            let content = html! {
                div.no-print {
                    p.muted { (texts.text("print-hint")) }
                    (reveal_form(&signed_in, scope.message(), found.is_masked(), None))
                    @if let Scope::Conversation(_, days) = scope { (days_form(&signed_in, days)) }
                    form method="post" action=(signed_in.visit.address()) {
                        (token_field(&signed_in.form_token))
                        button { (texts.text("download-evidence")) }
                    }
                }
                (sheet(&signed_in, scope, &found))
            };
            signed_in.page(StatusCode::OK, &texts.text("evidence"), &content)
        }
        Err(error) => signed_in.refused(&error),
    }
}

/// The digest of the file is recorded before it is sent.
async fn download(signed_in: SignedIn, scope: Option<Scope>) -> HttpResponse {
    let Some(scope) = scope else { return signed_in.not_found() };
    let viewer = signed_in.viewer();
    let found = match viewer.evidence(scope).await {
        Ok(found) => found,
        Err(error) => return signed_in.refused(&error),
    };
    let file = file(&signed_in, scope, &found);
    if let Err(error) = viewer.record_file(scope, &found, &file).await {
        return signed_in.refused(&error);
    }
    let name = format!("attachment; filename=\"evidence-{}.html\"", scope.message());
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_DISPOSITION, name)).content_type(ContentType::html()).body(file)
}

/// Asks for the days of a conversation that are wanted.
fn days_form(signed_in: &SignedIn, days: Days) -> Markup {
    let Times { texts, zone, .. } = signed_in.visit.times();
    let date = |at: Option<Instant>| at.map(|at| zone.date(at)).unwrap_or_default();
    html! {
        form.inline method="get" action=(signed_in.visit.path()) {
            label for="from" { (texts.text("from")) }
            input #from name="from" type="date" value=(date(days.from));
            label for="to" { (texts.text("to")) }
            input #to name="to" type="date" value=(date(days.to));
            button { (texts.text("show-days")) }
        }
    }
}
