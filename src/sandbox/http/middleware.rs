//! The middleware around all handlers of a sandbox: gives a request the app of its tenant, applies fault rules, and
//! writes the journal; knows no handler.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::cut::cut;
use super::pending_entry::PendingEntry;
use super::presented;
use super::recorded::{Recorded, RequestBody};
use crate::clock::Clock;
use crate::http::Connection;
use crate::sandbox::control::guard;
use crate::sandbox::error::ControlError;
use crate::sandbox::faults::{Fault, FaultAnswer};
use crate::sandbox::instance::Instance;
use crate::sandbox::journal::Entry;
use crate::sandbox::matching::Facts;
use crate::sandbox::registry::{DEMO, Owner, Registry};
use crate::sandbox::routes::{self, Route};
use crate::sandbox::warnings::{Warning, warnings};
use crate::web::ApiError;
use crate::web::error::respond;

/// What a request is for.
enum Target {
    Control,
    /// The server itself: health, metrics, documents.
    Server,
    /// The console, which shows the demo tenant.
    Console,
    /// An API route, if there is one at this path.
    Api(Option<&'static Route>),
}

pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Every sandbox registers itself.
    let Some(registry) = request.app_data::<web::Data<Registry>>().cloned() else { return pass(request, next).await };
    match target(&request) {
        Target::Server => pass(request, next).await,
        Target::Control => {
            match guard::check(request.head(), &registry.settings.hosts).and_then(|()| parameters(&request)) {
                Ok(()) => pass(request, next).await,
                Err(error) => Ok(request.into_response(respond(&error))),
            }
        }
        Target::Console => {
            let demo = registry.tenant(DEMO.0).map(|tenant| tenant.instance());
            if let Some(instance) = &demo {
                give_app(&mut request, instance);
            }
            let response = pass(request, next).await?;
            // The instance lives until the response is sent.
            Ok(response.map_body(|_, body| BoxBody::new(crate::web::body::HoldingBody::new(body, demo))))
        }
        Target::Api(route) => api(&registry, route, request, next).await,
    }
}

/// Fails if a control request has parameters that its route does not know.
fn parameters(request: &ServiceRequest) -> Result<(), ControlError> {
    let path = request.match_info().as_str();
    let takes_some = path.ends_with("/requests") || path.ends_with("/unmatched");
    if takes_some || request.query_string().is_empty() {
        return Ok(());
    }
    Err(ControlError::not_valid("The parameters must be left out: this route takes none."))
}

async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn target(request: &ServiceRequest) -> Target {
    let named = request.request().match_name().map(str::to_owned).or_else(|| request.match_pattern());
    match named {
        // The path without percent-encoding, by which the request is routed.
        _ if request.match_info().as_str().starts_with("/_sandbox") => Target::Control,
        Some(name) if name.starts_with("/console") => Target::Console,
        Some(name) if routes::WITHOUT_KEY.contains(&name.as_str()) => Target::Server,
        name => Target::Api(name.and_then(|name| routes::find(&name))),
    }
}

async fn api(
    registry: &web::Data<Registry>,
    route: Option<&'static Route>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let owner = presented::keys(request.headers(), &registry.config.webhooks.header, route)
        .find_map(|secret| registry.owner(&secret));
    let instance = owner.as_ref().map(|owner| owner.tenant.instance());
    let template = route.map(|route| route.template);
    let is_history = template == Some(routes::HISTORY);
    let now = instance.as_ref().map_or_else(|| Clock::System.now(), |instance| instance.clock.now());
    let recorded = Recorded::of(&request, registry);
    let compares_bodies = instance.as_ref().is_some_and(|instance| instance.faults().compares_bodies());
    let copy_limit = RequestBody::copy_limit(is_history, compares_bodies, &registry.config);
    let mut body = RequestBody::take(&mut request, copy_limit, &registry.config);
    if let Some(instance) = &instance {
        give_app(&mut request, instance);
    }
    if compares_bodies {
        body.read_ahead().await;
    }
    let (rule, fault) = fault(owner.as_ref(), instance.as_deref(), &recorded.method, template, &body);
    // From here on the request is recorded, also if its client does not wait for the response.
    let mut recording = PendingEntry::begin(registry, instance.clone(), body.bytes());
    recording.entry = Some(Entry {
        at: now.iso(),
        method: recorded.method,
        path: recorded.path,
        route: template,
        key: owner.as_ref().map(|owner| owner.key),
        fault: rule,
        ..Entry::default()
    });
    if let Some(fault) = &fault {
        tokio::time::sleep(fault.delay).await;
    }
    let response = if let Some(answer) = fault.as_ref().and_then(|fault| fault.answer.as_ref()) {
        body.read_ahead().await;
        body.hold(request.request());
        let response = rendered(answer, template, request.path());
        request.into_response(response)
    } else {
        body.give_back(&mut request);
        pass(request, next).await?
    };
    let text = if is_history { body.text() } else { None };
    let found = text.map(|text| warnings(recorded.content_type.as_deref(), &text, now)).unwrap_or_default();
    let applies = is_history && fault.as_ref().is_none_or(|fault| fault.answer.is_none());
    let response = strict(response, instance.as_deref(), &found, applies);
    let (response, answer, status) = cut(response, fault.as_ref().and_then(|fault| fault.cut)).await;
    recording.end(status, answer, found);
    // Closed last, so that the journal has the request when its client sees that.
    if status.is_none()
        && let Some(connection) = response.request().conn_data::<Connection>()
    {
        connection.shut_down();
    }
    // The instance lives until the response is sent.
    Ok(response.map_body(|_, body| BoxBody::new(crate::web::body::HoldingBody::new(body, instance))))
}

/// Lets the handlers find the app of a tenant before they find the server's own.
fn give_app(request: &mut ServiceRequest, instance: &Arc<Instance>) {
    let mut data = Extensions::new();
    data.insert(web::Data::from(Arc::clone(instance.app())));
    data.insert(web::Data::from(Arc::clone(instance)));
    request.add_data_container(Rc::new(data));
}

/// The fault of a request, and the rule that it is from.
fn fault(
    owner: Option<&Owner>,
    instance: Option<&Instance>,
    method: &str,
    route: Option<&'static str>,
    body: &RequestBody,
) -> (Option<u64>, Option<Fault>) {
    if let Some(fault) = owner.and_then(|owner| owner.fault.clone()) {
        return (None, Some(fault));
    }
    let Some(instance) = instance else { return (None, None) };
    let mut faults = instance.faults();
    let json = faults.compares_bodies().then(|| body.json()).flatten();
    match faults.apply(Facts { method, route, body: json.as_ref() }) {
        Some((rule, fault)) => (Some(rule), Some(fault)),
        None => (None, None),
    }
}

fn rendered(answer: &FaultAnswer, route: Option<&str>, path: &str) -> actix_web::HttpResponse {
    let rendered = answer.render(route, path);
    // Statuses and headers were checked when the rule was added.
    let status = actix_web::http::StatusCode::from_u16(rendered.status).unwrap_or_default();
    let mut response = actix_web::HttpResponse::build(status);
    if let Some(kind) = rendered.content_type {
        response.insert_header((CONTENT_TYPE, kind));
    }
    for (name, value) in rendered.headers {
        response.insert_header((name, value));
    }
    response.body(rendered.body)
}

/// The error of a strict tenant for a history request that is right but for its near misses.
fn strict(
    response: ServiceResponse<BoxBody>,
    instance: Option<&Instance>,
    found: &[Warning],
    applies: bool,
) -> ServiceResponse<BoxBody> {
    let is_strict = applies && instance.is_some_and(Instance::is_strict) && response.status().is_success();
    match found.first().filter(|_| is_strict) {
        Some(warning) => response.into_response(respond(&ApiError::NotValid(warning.sentence()))),
        None => response,
    }
}
