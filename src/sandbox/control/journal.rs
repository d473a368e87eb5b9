//! Lists, empties and verifies a tenant's journal; knows no fault rule.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;

use super::request::{Control, Outcome, body, json, no_content, tenant};
use crate::sandbox::error::ControlError;
use crate::sandbox::journal::{Entry, Journal, MAX_ENTRIES};
use crate::sandbox::registry::Registry;
use crate::sandbox::routes;
use crate::sandbox::verify::Verification;
use crate::web::Request;

#[derive(Serialize)]
struct List {
    requests: Vec<Arc<Entry>>,
    dropped: u64,
}

/// Which entries are listed.
struct Filter {
    route: Option<&'static str>,
    status: Option<u16>,
    after: u64,
    limit: usize,
}

impl Filter {
    /// The filter of the query string. An unknown or repeated parameter is an error: an ignored one would look like an
    /// answer.
    fn of(request: &Request<Control>) -> Result<Self, ControlError> {
        let mut filter = Self { route: None, status: None, after: 0, limit: MAX_ENTRIES };
        let mut seen = Vec::new();
        for (name, value) in request.query_parameters() {
            if seen.contains(&name) {
                return Err(ControlError::NotValid(format!("The parameter '{name}' is given twice.")));
            }
            let wrong = |wanted: &str| ControlError::NotValid(format!("The parameter '{name}' must be {wanted}."));
            match name.as_str() {
                "route" => {
                    let route = routes::find(&value);
                    let route = route.ok_or_else(|| wrong("a documented route such as /api/messages/history"))?;
                    filter.route = Some(route.template);
                }
                "status" => filter.status = Some(value.parse().map_err(|_| wrong("a status such as 200"))?),
                "after" => filter.after = value.parse().map_err(|_| wrong("the id of an entry"))?,
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_ENTRIES).contains(limit));
                    filter.limit = limit.ok_or_else(|| wrong("an integer from 1 to 10000"))?;
                }
                _ => {
                    let known = "route, status, after, limit";
                    return Err(ControlError::NotValid(format!("The parameter '{name}' is unknown; known: {known}.")));
                }
            }
            seen.push(name);
        }
        Ok(filter)
    }

    fn list(&self, journal: &Journal) -> List {
        let fits = |entry: &Arc<Entry>| {
            entry.id > self.after
                && self.route.is_none_or(|route| entry.route == Some(route))
                && self.status.is_none_or(|status| entry.status == Some(status))
        };
        let requests = journal.entries().into_iter().filter(fits).take(self.limit).collect();
        List { requests, dropped: journal.dropped() }
    }
}

pub async fn list(registry: Data<Registry>, request: Request<Control>) -> Outcome {
    let instance = tenant(&registry, &request)?.instance();
    let filter = Filter::of(&request)?;
    let list = filter.list(&instance.journal());
    json(StatusCode::OK, &list)
}

pub async fn unmatched(registry: Data<Registry>, request: Request<Control>) -> Outcome {
    let filter = Filter::of(&request)?;
    let list = filter.list(&registry.unmatched());
    json(StatusCode::OK, &list)
}

pub async fn clear(registry: Data<Registry>, request: Request<Control>) -> Result<HttpResponse, ControlError> {
    tenant(&registry, &request)?.instance().journal().clear();
    Ok(no_content())
}

pub async fn verify(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let instance = tenant(&registry, &request)?.instance();
    let verification: Verification = body(&mut request)?;
    let entries = instance.journal().entries();
    json(StatusCode::OK, &verification.run(entries)?)
}
