//! The files that pages refer to; knows no page.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Data, Path};

use super::Console;
use super::visit::Visit;
use crate::web::ApiError;

/// A browser never asks again for a file whose name has its digest.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// `GET /console/files/{name}`.
pub async fn file(_: Visit, console: Data<Console>, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let file = console.files().into_iter().find(|file| file.name == *name).ok_or(ApiError::NotFound)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, FOREVER)).insert_header((CONTENT_TYPE, file.content_type));
    Ok(response.body(file.text))
}
