//! `GET /metrics`, for Prometheus; knows no number.

mod text;

use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::document::errors::PublicErrors;
use crate::web::answer::Sliced;
use crate::web::{ApiError, CommonError};

/// Numbers for Prometheus
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "health", security(()), responses(
    (status = 200, description = "Requests, events, commits, questions, the store, the process, as Prometheus text.",
        body = String, content_type = "text/plain"),
    PublicErrors
))]
pub async fn metrics(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let numbers = app.metrics.open_metrics(app.clock.now()).await;
    let (content_type, text) = if text::is_open_metrics_asked_for(request.headers()) {
        (text::OPEN_METRICS, numbers)
    } else {
        (text::PLAIN, text::plain(&numbers))
    };
    let share = app.in_flight.share(text.len()).ok_or(CommonError::Unavailable)?;
    Ok(HttpResponse::Ok().content_type(content_type).body(Sliced::new(text, share)))
}
