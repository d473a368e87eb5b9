//! Whether the process runs, and whether it can serve requests; reveals nothing personal and needs no key.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::document::errors::{NotReadyErrors, PublicErrors};
use crate::store::{self, ReplicaStatus, StoreError};
use crate::web::ApiError;

/// Whether the process runs.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the gateway is ready for requests.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// Always `ready`.
    status: &'static str,
    /// `ok`. Only if the store does not accept writes, or with `verbose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reads: Option<&'static str>,
    /// `ok`, or `unavailable` while replicas serve reads and there is no primary. Only then, or with `verbose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    writes: Option<&'static str>,
    /// With `verbose`, on PostgreSQL: `synchronous` if a write is acknowledged only once a standby has it, otherwise
    /// `asynchronous`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    replication: Option<&'static str>,
    /// With `verbose`: the replicas, in the order of the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    replicas: Option<Vec<ReplicaState>>,
}

/// The state of one replica.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaState {
    /// Whether it serves reads.
    in_use: bool,
    /// How far it lags behind the primary, in seconds; left out if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lag_seconds: Option<f64>,
}

/// Check that the process runs
#[utoipa::path(get, path = "/healthz", operation_id = "getHealth", tag = "health", security(()), responses(
    (status = 200, description = "The process runs.", body = Health, example = json!({"status": "ok"})),
    PublicErrors
))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Check that requests can be served
///
/// Ready means that the store responds, has the current schema and accepts writes; or that replicas serve reads while
/// there is no primary. A load balancer should send requests only to a gateway that is ready.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "health",
    security(()),
    params(("verbose" = Option<String>, Query, description = "Any value: tells more.")),
    responses(
        (status = 200, description = "Ready for requests.", body = Readiness, example = json!({"status": "ready"})),
        NotReadyErrors
    )
)]
pub async fn readyz(app: Data<App>, http: HttpRequest) -> Result<Json<Readiness>, ApiError> {
    // The store responds, has every migration of this binary, and accepted the last write.
    let health = app.store.health().await.map_err(|error| {
        error.log("the store is not ready");
        ApiError::NotReady(reason(&error))
    })?;
    let is_verbose = http.query_string().split('&').any(|parameter| parameter.split('=').next() == Some("verbose"));
    let writes = if health == store::Health::Ready { "ok" } else { "unavailable" };
    let tells_both = is_verbose || health == store::Health::ReadOnly;
    let mut readiness = Readiness {
        status: "ready",
        reads: tells_both.then_some("ok"),
        writes: tells_both.then_some(writes),
        replication: None,
        replicas: None,
    };
    if is_verbose {
        let is_synchronous = app.store.is_synchronous().await.ok().flatten();
        let replication = |is_synchronous| if is_synchronous { "synchronous" } else { "asynchronous" };
        readiness.replication = is_synchronous.map(replication);
        let state = |replica: ReplicaStatus| ReplicaState {
            in_use: replica.is_in_use,
            lag_seconds: replica.lag.map(|lag| lag.as_secs_f64()),
        };
        let replicas: Vec<ReplicaState> = app.store.replicas().into_iter().map(state).collect();
        readiness.replicas = (!replicas.is_empty()).then_some(replicas);
    }
    Ok(Json(readiness))
}

/// Why the store is not ready, without its address.
fn reason(error: &StoreError) -> &'static str {
    match error {
        StoreError::NoPrimary { .. } => "No server of the store's database accepts writes.",
        StoreError::OldPrimary { .. } => "The server of the store's database is an old primary.",
        StoreError::Vanished { .. } => "The store's file was removed, replaced or moved while it was open.",
        StoreError::Full => "The store's disk is full.",
        StoreError::ReadOnly => "The store may not be written to.",
        StoreError::Malformed(_) | StoreError::Damaged { .. } => "The store is damaged.",
        StoreError::Outdated => "The store's schema is out of date.",
        _ => "The message store is busy or away; try again.",
    }
}
