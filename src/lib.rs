#![forbid(unsafe_code)]
//! history-gateway answers edna's `POST /api/messages/history` and OneUptime's WhatsApp Log API from a store of its own:
//! same requests, same answers, same errors. This page is the map.
//!
//! # The idea
//! 1. **A message is kept as columns to ask by and one JSON item to answer with.** The item is edna's wire form,
//!    rendered once when the message is written; import, export, answer and storage speak the same form.
//! 2. **One store, two dialects.** A dialect is a language for reading the messages. It lives in one folder with its
//!    words, its errors and its leniency, and reaches into no other.
//! 3. **Everything that is told goes through one door**, [`ingest`]: safe to repeat, in any order, durable before it
//!    returns. A message that is sent out through WhatsApp becomes a row of the WhatsApp log in the same transaction. In
//!    a server the door has a queue ([`ingest::Door`]), and one commit is for many callers.
//! 4. **A question is made valid before it is asked**: wire request → [`model::HistoryRequest`] →
//!    [`model::HistoryQuery`], which cannot be wrong → one planned walk; and [`model::LogQuery`] likewise.
//!
//! # The rooms
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the commands, one file each |
//! | [`config`] | the settings and where they come from; `config/default.toml` documents them |
//! | [`telemetry`] | the log, and what a line of it may hold |
//! | [`app`] | what every part of a running gateway is handed: store, ingest queue, keys, clock |
//! | [`clock`] | every "now", so that a sandbox can stop it |
//! | [`keys`] | from a key to its caller, and the limits of keys |
//! | [`jobs`] | what runs beside requests, one file a job, and the list that starts and stops them; the pulls of the settings too |
//! | [`http`] | every route on one screen, start and stop, health, metrics, the OpenAPI document and the page to try it out (`assets/page`) |
//! | [`edna`] | the edna dialect: request, answer, errors; webhooks, what own systems send; and [`edna::pull`], which copies another endpoint's history |
//! | [`oneuptime`] | the OneUptime dialect: operators, columns, both forms of values, errors |
//! | [`document`] | what the OpenAPI documents of both dialects are written with |
//! | [`web`] | what the handlers of all dialects share: answers that are sent part by part, and the bound on bytes in flight |
//! | [`ingest`] | the door: what copies of a message and statuses come to, and the queue before it |
//! | [`fair_queue`] | a queue that serves tenants in turn, and the keys of each in turn |
//! | [`store`] | all SQL, for SQLite and PostgreSQL; the planners are [`store::messages::history`] and [`store::whatsapp_logs::page`], the people [`store::recipients::subscribers`]; [`store::db::budget`] is what a question may cost, `admission` the places for questions and the queue before them, `pool` the connections; [`store::backup`] and [`store::check`] look after a store as a whole |
//! | [`model`] | messages, subscribers, keys, windows, questions; no I/O, no clock |
//! | [`generate`] | made-up messages for demos and benchmarks |
//!
//! # Who may use whom
//! `main → cli` · `cli → {http, jobs, edna, oneuptime, clock, ingest, store, generate, config, telemetry, model}` ·
//! `jobs → {edna, app, ingest, config, model}` ·
//! `http → {edna, oneuptime, app, keys, clock, store, config, document, web, model}` ·
//! `edna → {app, ingest, store, document, web, model}` · `oneuptime → {app, store, document, web, model}` ·
//! `app → {keys, ingest, store, config, clock}` · `keys → {store, model}` · `ingest → {store, fair_queue, model}` ·
//! `config → {ingest, store, model}` · `telemetry → config` · `store → {fair_queue, model}` · `fair_queue → model` ·
//! `generate → model` · `web → model` · `clock → model`; `document` and `model` use nothing of ours. No two files use each other.
//!
//! # Invariants, which `tests/it/house.rs` holds
//! - `model` has no diesel, no actix, no clock: time comes in as an argument. "Now" comes from [`clock`] alone,
//!   so that a sandbox can stop it.
//! - Only `http`, `web` and the dialects' `routes.rs` know actix (and the one line of `cli` that starts its runtime). Only
//!   `store` knows diesel; only its folder `db` names a database.
//!   Only `edna/upstream.rs` knows ureq.
//! - Every store function that touches messages takes the tenant first, or a query that begins with it. None reads
//!   messages across tenants.
//! - No statics with state: two apps run in one process, and the tests do it.
//! - No file is longer than 400 lines, and each says in its first sentence what it is.
//!
//! # One request
//! [`http`]'s route → [`keys`] (key → [`model::Caller`]) → [`edna::request`] (shape, leniency) →
//! [`model::HistoryQuery::new`] (meaning, defaults) → [`store::Store::page`] (a place, a connection, a [`store::Budget`]) →
//! [`store::messages::history::page`] (`limit + 1` rows) → [`edna::answer`] (items joined into the body) → [`web::answer`].
//!
//! Every question is taken for a cheap one first. Where the plan and the kept counts say that it looks at more rows than
//! that, or it turns out so while it runs, it is asked again from the beginning among the expensive ones: few at a time,
//! tenants in turn, on threads of a lower priority. It ends when its client has gone or at its deadline, and an expensive
//! one when the server stops.
//!
//! # One webhook
//! [`http`]'s route → [`keys`] (webhook key → [`model::Caller`]) → [`edna::webhook`] (bytes →
//! [`ingest::Event`]s, leniently) → [`ingest::Door`], where the next commit takes it along with whatever else waits → one transaction, which
//! applies the status rule ([`model::merge::message`]) to everything known of each message → 200.
//!
//! # Two databases
//! A statement is built once, on diesel's `MultiConnection`, and runs on a file and on a server; what one of them lacks
//! is an arm of `on_each!`. A file's writer holds the whole file, and the processes that
//! write to it take turns, which a file's own lock does not see to. A server's writers, which may be several gateways',
//! take turns on their tenant's row ([`store::tenants::lock`]): that keeps a message single and the days' counts right
//! although partitions allow no unique key without the time. Plans are chosen in [`store::messages::history`] and pinned for both:
//! an index answers for the bare column or for its sum with zero, and a statement names the one it is to walk by.
//! A pool is places and a list of idle connections, so that a server that is away is said at once. Work on a file is ended
//! from inside, by functions that its statements call for every row; work on a server from another connection.
//!
//! # Where it differs from the first sketch
//! A recipient is not a person but a row of `recipients`: one address on one class of channel, with one subscriber or
//! none. A message carries that row's number, so one integer leads to its index; a person is the set of such rows that
//! a question resolves to, so a link that becomes known later needs no message rewritten. And what tells the planner
//! where a window's ids lie is kept by UTC day ([`store::messages::daily_counts`]) rather than by blocks of ids, which one tenant's
//! sparse ids would leave nearly empty.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod document;
pub mod edna;
pub mod fair_queue;
pub mod generate;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod keys;
pub mod model;
pub mod oneuptime;
pub mod store;
pub mod telemetry;
pub mod web;
