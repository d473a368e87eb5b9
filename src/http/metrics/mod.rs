//! `GET /metrics`, for Prometheus; knows no metric.

mod text;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::document::errors::PublicErrors;
use crate::web::answer::SlicedBody;
use crate::web::{ApiError, CommonError};

/// Get metrics for Prometheus
///
/// In the text format 0.0.4, or as OpenMetrics 1.0.0 if the `Accept` header asks for it.
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "health", security(()), responses(
    (status = 200, description = "Metrics of requests, queries, feeds, the store and the process.",
        body = String, content_type = "text/plain"),
    PublicErrors
))]
pub async fn metrics(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let numbers = app.metrics.open_metrics(app.clock.now()).await;
    let (content_type, text) = if text::accepts_open_metrics(request.headers()) {
        (text::OPEN_METRICS, numbers)
    } else {
        (text::PLAIN, text::plain(&numbers))
    };
    let share = app.in_flight.try_reserve(text.len()).ok_or(CommonError::Unavailable)?;
    Ok(HttpResponse::Ok().content_type(content_type).body(SlicedBody::new(text, share)))
}
