//! Shows and moves a tenant's clock; knows no message.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};

use super::request::{Control, Outcome, body, date, json, tenant};
use crate::clock::{ClockMode, MovableClock};
use crate::sandbox::duration::Duration;
use crate::sandbox::error::ControlError;
use crate::sandbox::registry::Registry;
use crate::sandbox::sending::engine::catch_up;
use crate::web::Request;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    now: Option<String>,
    runs: Option<bool>,
    advance: Option<String>,
    machine: Option<bool>,
}

#[derive(Serialize)]
struct Shown {
    now: String,
    runs: bool,
}

impl Shown {
    fn of(clock: &MovableClock) -> Self {
        let runs = !matches!(clock.mode(), ClockMode::Stopped(_));
        Self { now: clock.now().iso(), runs }
    }
}

pub async fn get(registry: Data<Registry>, request: Request<Control>) -> Outcome {
    let instance = tenant(&registry, &request)?.instance();
    json(StatusCode::OK, &Shown::of(&instance.clock))
}

pub async fn put(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let instance = tenant(&registry, &request)?.instance();
    let change: Change = body(&mut request)?;
    let clock = &instance.clock;
    match change {
        Change { now: Some(now), runs, advance: None, machine: None } => {
            let now = date("now", &now)?;
            if runs == Some(true) { clock.run_from(now) } else { clock.set_mode(ClockMode::Stopped(now)) }
        }
        Change { now: None, runs: None, advance: Some(advance), machine: None } => {
            let wanted = "an ISO 8601 duration such as PT10S or P1DT2H";
            let by = Duration::parse(&advance).ok_or_else(|| ControlError::field("advance", wanted))?;
            let moved = clock.advance(|now| by.after(now));
            moved.ok_or_else(|| ControlError::field("advance", "a duration that ends before the year 10000"))?;
        }
        Change { now: None, runs: None, advance: None, machine: Some(true) } => clock.set_mode(ClockMode::Machine),
        _ => {
            let sentence = "The body must have 'now' (and 'runs', if it is to run), 'advance', or 'machine': true.";
            return Err(ControlError::not_valid(sentence));
        }
    }
    catch_up(&instance).await;
    json(StatusCode::OK, &Shown::of(clock))
}
