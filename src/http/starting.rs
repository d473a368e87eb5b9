//! What a server answers while its database is away and its store cannot be opened: that it runs and is not ready;
//! knows no store.

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::cors::default_headers;
use super::handlers::is_for_oneuptime;
use super::health::healthz;
use crate::oneuptime::OneUptimeError;
use crate::web::error::respond;
use crate::web::{ApiError, CommonError};

/// How many threads serve these requests.
const WORKERS: usize = 1;

/// The server before its store is open.
pub struct Starting(ServerHandle);

impl Starting {
    pub fn serve(listener: TcpListener) -> std::io::Result<Self> {
        let app = || {
            App::new()
                .service(web::resource("/healthz").get(healthz).head(healthz))
                .default_service(web::to(unavailable))
                .wrap(default_headers())
        };
        let server = HttpServer::new(app).workers(WORKERS).disable_signals().listen(listener)?.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(Self(handle))
    }

    /// Ends it, before the real server takes over.
    pub async fn stop(self) {
        self.0.stop(true).await;
    }
}

async fn unavailable(request: HttpRequest) -> HttpResponse {
    if request.path() == "/readyz" {
        return respond(&ApiError::NotReady("The database is away; the gateway waits for it."));
    }
    if is_for_oneuptime(request.path(), request.headers().contains_key("x-api-key")) {
        return respond(&OneUptimeError::from(CommonError::Unavailable));
    }
    respond(&ApiError::from(CommonError::Unavailable))
}
