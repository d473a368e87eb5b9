//! Reads a request's body, bounded in length and time; knows no form of it.

use std::time::Duration;

use actix_web::web::Payload;
use futures_util::StreamExt;

use crate::model::ask::Body;

/// How much of a body that is too long is still taken in, so that a client that sends before it reads
/// gets its answer instead of a broken connection.
const SWALLOWED_BYTES: usize = 64 * 1024 * 1024;

/// Reads a body of at most `limit` bytes; a longer one is read on and thrown away.
pub async fn read(payload: Payload, limit: usize, patience: Duration) -> Body {
    let mut kept = Vec::new();
    match tokio::time::timeout(patience, collect(payload, limit, &mut kept)).await {
        Ok(Ok(length)) if length > limit => Body::TooLarge { limit },
        Ok(Ok(_)) => Body::Whole(kept),
        _ => Body::Incomplete,
    }
}

/// Reads a body that nobody wants.
pub async fn discard(payload: Payload, patience: Duration) {
    read(payload, 0, patience).await;
}

async fn collect(
    mut payload: Payload,
    limit: usize,
    kept: &mut Vec<u8>,
) -> Result<usize, actix_web::error::PayloadError> {
    let mut length = 0;
    while let Some(part) = payload.next().await {
        let part = part?;
        length += part.len();
        if length <= limit {
            kept.extend_from_slice(&part);
        } else {
            *kept = Vec::new();
        }
        if length > limit.max(SWALLOWED_BYTES) {
            break;
        }
    }
    Ok(length)
}
