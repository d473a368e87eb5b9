//! Puts messages and statuses into a tenant without a key, and empties it; knows no form of a message.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::request::{Control, Outcome, bytes, json, no_content, tenant};
use crate::api::ingest::{record_messages, record_statuses};
use crate::model::Caller;
use crate::sandbox::error::ControlError;
use crate::sandbox::registry::Registry;
use crate::store::tenants;
use crate::web::Request;

pub async fn messages(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let tenant = tenant(&registry, &request)?;
    let instance = tenant.instance();
    let caller = Caller::master(tenant.id);
    let result = record_messages(instance.app(), &caller, instance.clock.now(), bytes(&mut request)?).await?;
    json(result.status(), &result)
}

pub async fn statuses(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let tenant = tenant(&registry, &request)?;
    let instance = tenant.instance();
    let caller = Caller::master(tenant.id);
    let result = record_statuses(instance.app(), &caller, instance.clock.now(), bytes(&mut request)?).await?;
    json(result.status(), &result)
}

pub async fn delete_messages(
    registry: Data<Registry>,
    request: Request<Control>,
) -> Result<HttpResponse, ControlError> {
    let tenant = tenant(&registry, &request)?;
    let id = tenant.id;
    let store = tenant.instance().app().store.clone();
    store.write(move |connection| tenants::delete_messages(connection, id)).await?;
    Ok(no_content())
}
