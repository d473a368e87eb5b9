//! Adds, lists and removes fault rules; knows no request that they are applied to.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;

use super::request::{Control, Outcome, body, json, no_content, tenant};
use crate::sandbox::error::ControlError;
use crate::sandbox::faults::{MAX_RULES, NewRule, Rule};
use crate::sandbox::registry::Registry;
use crate::web::Request;

#[derive(Serialize)]
struct List<'a> {
    faults: &'a [Rule],
}

pub async fn add(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let tenant = tenant(&registry, &request)?;
    let mut rule: NewRule = body(&mut request)?;
    let fault = rule.check()?;
    let instance = tenant.instance();
    let mut faults = instance.faults();
    let rule = faults.add(rule, fault);
    let too_many = || ControlError::NotValid(format!("The tenant has {MAX_RULES} fault rules; delete some first."));
    json(StatusCode::CREATED, rule.ok_or_else(too_many)?)
}

pub async fn list(registry: Data<Registry>, request: Request<Control>) -> Outcome {
    let instance = tenant(&registry, &request)?.instance();
    json(StatusCode::OK, &List { faults: instance.faults().rules() })
}

pub async fn clear(registry: Data<Registry>, request: Request<Control>) -> Result<HttpResponse, ControlError> {
    tenant(&registry, &request)?.instance().faults().clear();
    Ok(no_content())
}

pub async fn remove(registry: Data<Registry>, request: Request<Control>) -> Result<HttpResponse, ControlError> {
    let instance = tenant(&registry, &request)?.instance();
    let id = request.path_parameter("fault").parse().ok();
    let is_removed = id.is_some_and(|id| instance.faults().remove(id));
    if is_removed { Ok(no_content()) } else { Err(ControlError::NotFound("fault rule")) }
}
