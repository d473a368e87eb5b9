//! The routes below `/_sandbox`, with which tests control a sandbox; knows no tenant's state.

mod clock;
mod data;
mod faults;
pub mod guard;
mod journal;
mod request;
mod sending;
mod tenants;

use actix_web::web::{ServiceConfig, resource};

use crate::http::only;

/// All control routes.
pub fn routes(routes: &mut ServiceConfig) {
    let tenant = |path: &str| resource(format!("/_sandbox/tenants/{{tenant}}{path}"));
    routes
        .service(
            resource("/_sandbox/tenants").get(tenants::list).post(tenants::create).default_service(only("GET, POST")),
        )
        .service(tenant("").delete(tenants::delete).default_service(only("DELETE")))
        .service(tenant("/reset").post(tenants::reset).default_service(only("POST")))
        .service(tenant("/strict").put(tenants::strict).default_service(only("PUT")))
        .service(tenant("/clock").get(clock::get).put(clock::put).default_service(only("GET, PUT")))
        .service(
            tenant("/messages")
                .post(data::messages)
                .delete(data::delete_messages)
                .default_service(only("DELETE, POST")),
        )
        .service(tenant("/statuses").post(data::statuses).default_service(only("POST")))
        .service(
            tenant("/faults")
                .get(faults::list)
                .post(faults::add)
                .delete(faults::clear)
                .default_service(only("DELETE, GET, POST")),
        )
        .service(tenant("/faults/{fault}").delete(faults::remove).default_service(only("DELETE")))
        .service(tenant("/requests").get(journal::list).delete(journal::clear).default_service(only("DELETE, GET")))
        .service(tenant("/life").put(sending::life).default_service(only("PUT")))
        .service(
            tenant("/callbacks")
                .get(sending::list_callbacks)
                .put(sending::set_callbacks)
                .default_service(only("GET, PUT")),
        )
        .service(tenant("/incoming").post(sending::incoming).default_service(only("POST")))
        .service(tenant("/verify").post(journal::verify).default_service(only("POST")))
        .service(resource("/_sandbox/unmatched").get(journal::unmatched).default_service(only("GET")));
}
