#![forbid(unsafe_code)]
//! history-gateway answers edna's `POST /api/messages/history` and OneUptime's WhatsApp Log API from its own store:
//! same requests, same responses, same errors. This page is the map.
//!
//! # The idea
//! 1. **A message is kept as columns to query and one JSON item to answer with.** The item is edna's wire form, rendered
//!    once when the message is written; import, export, pull, answer and storage share the form.
//! 2. **One store, several dialects.** [`edna`] and [`oneuptime`] are two languages for reading the same messages, [`api`]
//!    is the gateway's own. Each lives in one folder and reaches into no other.
//! 3. **Everything that writes goes through one ingest path**, [`ingest`]: safe to repeat, in any order, durable before it
//!    is acknowledged. An outgoing WhatsApp message becomes a row of the WhatsApp log in the same transaction. In a server,
//!    one commit serves many callers, who wait in a queue ([`ingest::IngestQueue`]).
//! 4. **A request is made valid before it runs**: wire request → [`model::HistoryRequest`] → [`model::HistoryQuery`], which
//!    cannot be wrong and cannot exceed its caller's rights → one planned statement; [`model::LogQuery`] likewise.
//!
//! # The modules
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the commands, one file each |
//! | [`config`] | the settings and where they come from; `config/default.toml` documents them |
//! | [`telemetry`] | the log, and what a line of it may hold |
//! | [`app`] | what every part of a running gateway shares: store, ingest queue, keys, sign-in, audit log, clock, metrics, settings |
//! | [`clock`] | the only source of the current time, so that a sandbox can stop it |
//! | [`keys`] | from a key to its caller, and the limits of keys |
//! | [`sign_in`] | from a login and a password to a session, and the limits of attempts |
//! | [`audit`] | the audit log: records who has read what |
//! | [`result_cache`] | a cache of results that take long, each computed by one caller at a time |
//! | [`rate_limit`] | limits a minute, for each key |
//! | [`metrics`] | the numbers for Prometheus |
//! | [`in_flight`] | the bound on the bytes of bodies and responses in memory |
//! | [`jobs`] | the background jobs, one file each, and the list that starts and stops them; the pulls of the settings are among them |
//! | [`http`] | every route on one screen (`router.rs`), start and stop, health, the OpenAPI document, and the page to try it out (`assets/page`) |
//! | [`web`] | what the handlers of all dialects share: the extractor (key → caller, body, time), errors, responses sent in parts |
//! | [`sandbox`] | the stand-in for integration tests: tenants of their own, errors on demand, a clock that moves, a journal, around the handlers of `serve` |
//! | [`edna`] | the edna dialect: the history endpoint and the webhooks |
//! | [`oneuptime`] | the OneUptime dialect: operators, columns, both forms of values, errors |
//! | [`api`] | the gateway's own `/v1`: messages by filters with a cursor, their changes, text search, messages and status events from your own systems, one message with its provenance |
//! | [`console`] | pages for people: one box, conversations, messages, lists, evidence, the audit log, users |
//! | [`viewer`] | what a user of the console sees: reads by their grants, masks, records each look before it returns |
//! | [`document`] | what the OpenAPI documents of all dialects share |
//! | [`pull`] | copying another endpoint's history |
//! | [`transfer`] | copying tenants from one store into another |
//! | [`outbound`] | the only HTTP client |
//! | [`ingest`] | the ingest queue, and how copies of a message and status events are merged and committed |
//! | [`fair_queue`] | a queue that serves tenants in turn, and the keys of each in turn |
//! | [`store`] | all SQL, for SQLite and PostgreSQL. The planners are [`store::messages::plan`] and [`store::whatsapp_logs::plan`]; people are resolved in [`store::recipients`]; `store::db` holds connections, budgets and everything that names a database; [`store::backup`] and [`store::check`] maintain a store as a whole |
//! | [`model`] | messages, subscribers, keys, queries, and the analysis of texts ([`model::search`]); no I/O, no clock |
//! | [`generate`] | made-up messages for demos and benchmarks |
//!
//! # Who may use whom
//! `main → cli` · `cli → {http, jobs, pull, sandbox, oneuptime, clock, ingest, store, generate, transfer, config, telemetry,
//! model}` · `sandbox → {http, oneuptime, api, app, keys, clock, ingest, store, generate, config, outbound, web,
//! model}` · `http →
//! {edna, oneuptime, api, console, app, clock, store, config, document, in_flight, web, model}` · `jobs → {pull, app, ingest,
//! store, config, model}` · `edna → {app, ingest, store, config, document, web, model}` · `oneuptime → {app, keys, store,
//! config, document, web, model}` · `api → {app, ingest, store, config, document, web, model}` · `console → {app, viewer, config, sign_in, store, web, model}` · `viewer → {app, audit, store, model}` · `document → {keys, web,
//! model}` · `web → {app, audit, keys, in_flight, store, config, model}` · `pull → {ingest, store, outbound, model}` · `transfer → {ingest, store, model}` · `app →
//! {keys, sign_in, audit, metrics, in_flight, ingest, result_cache, store, config, clock}` · `keys → {rate_limit, store, model}` · `sign_in → {audit, rate_limit, store, config, model}` · `audit → {store, config, model}` · `metrics → {in_flight, ingest,
//! store, model}` · `ingest → {store, fair_queue, model}` · `config → {ingest, store, model}` · `telemetry → config` ·
//! `store → {fair_queue, model}` · `in_flight → model` · `fair_queue → model` · `generate → model` · `outbound → model` ·
//! `clock → model`; `model` uses nothing of ours. No source files use each other in a circle
//! (`tests/it/circles.rs`).
//!
//! # Invariants, checked by `tests/it/architecture.rs`
//! - `model` has no diesel, no actix, no clock: time is an argument. The current time comes from [`clock`] alone.
//! - Only `http`, `web` and the dialects' handlers know actix (and the one line of `cli` that starts its runtime). Only
//!   `store` knows diesel; only its folder `db` names a database. Only [`outbound`] knows the HTTP client.
//! - Every store function that touches messages takes the tenant first, or a query that holds it. None reads messages
//!   across tenants. A query holds the tenant and the senders of the grants that it is built with ([`model::Grants`]), which
//!   are apart from who asks: a key ([`model::Caller`]) or a person ([`model::user::User`]).
//! - No statics with state: two apps run in one process, and the tests do it.
//! - No file is longer than 400 lines. Its first sentence says what it is; "knows no X" at the end means that nothing
//!   in it depends on X.
//!
//! # Where to add what
//! | what | where |
//! |---|---|
//! | a setting | `config/default.toml`, and the struct of its section in `config.rs` |
//! | a route | `http/router.rs`, a handler with its [`web::Access`], `paths(…)` in `http/openapi.rs`, `just openapi`; for a new handler file also `HANDLERS` in `tests/it/architecture.rs` |
//! | a background job | a file in `jobs/` with an interval and `run`, and a line in [`jobs::Jobs::start`] |
//! | a field of an item | [`model::property`], `document/message.rs` and docs/edna.md §4 |
//! | a column of `messages`, to filter by | a migration for each database, [`store::schema`], `Row` and `row` in [`store::messages`], `store/messages/order.rs` |
//!
//! # One request
//! [`http`]'s route → [`web::extract`] (key → [`model::Caller`], body, time) → [`edna::history::history`], the handler →
//! [`edna::request`] (shape, leniency) → [`model::HistoryQuery::new`] (meaning, defaults, rights) →
//! [`store::Store::page`] (a connection, a [`store::Budget`], and a slot unless the query is small) →
//! [`store::messages::plan`] and [`store::messages::history::page`] (`limit + 1` rows) → [`edna::response`] (items joined into the body) → [`web::answer`].
//!
//! On a file, a query whose plan shows that it is small runs on the thread that has the request. Every other query first
//! runs as a cheap one, on another thread. Where its plan and the daily counts say that it examines more rows than a cheap
//! query may, or where that shows while it runs, it runs again from the beginning as an expensive one: few at a time,
//! tenants in turn, on threads of lower priority. A query is cancelled when its client disconnects or its deadline passes;
//! an expensive one also when the server stops.
//!
//! # One walk
//! [`api::messages`] → parameters, read strictly → [`model::MessageQuery`] → [`store::Store::walk`] →
//! [`store::messages::walk`], which reads one index, or several at once, in the order of message ids, and returns where it
//! stopped. A page that costs more than its limits ends early, and the walk goes on with its cursor.
//!
//! # One webhook call
//! [`http`]'s route → [`web::extract`] (webhook key → [`model::Caller`]) → [`edna::webhook`] (bytes →
//! [`ingest::Event`]s, leniently; an incoming message lacks its channel) → [`ingest::IngestQueue`], where the next commit
//! takes it together with other waiting calls → one transaction (`ingest/write.rs`), which gives each such message the
//! channel of its subject, or stores it as pending until the subject is known (`jobs/pending.rs`), and merges everything
//! known of each message ([`model::merge::message`]) → 200.
//!
//! # Two databases
//! A statement is built once, on diesel's `MultiConnection`, and runs on both; what one of them lacks is an arm of
//! `on_each!`. A writer locks the whole SQLite file, so the processes that write to a file take turns with a lock of ours,
//! which is fair where SQLite's own is not. Writers on PostgreSQL, which may be several gateways', lock their tenant's row
//! ([`store::tenants::lock`]): that keeps messages unique and the daily counts right although partitions allow no unique
//! key without the time. Plans are made in [`store::messages::plan`] and pinned for both databases: every column whose
//! index must not be used is written as `column + 0`. A connection pool is a number of slots and a list of idle
//! connections, so that an unreachable server is reported at once. A statement on SQLite is cancelled from inside, by
//! functions that it calls for the rows that it examines; one on PostgreSQL from another connection. A thread of the store
//! moves SQLite's write-ahead log into the file while the writer goes on (`store/db/checkpoint.rs`).
//!
//! # Several servers
//! A PostgreSQL database may have several servers (`store/db/servers`). Threads ask each one every second what it is. New
//! connections go to the primary of the highest timeline that any server had, and connections from before a fail-over are
//! dropped, so an old primary is never used. [`store::Store::query`] and [`store::Store::read`] may read from a replica
//! (`store/routing.rs`), [`store::Store::read_primary`] and look-ups do not. A [`store::Reader`] holds how recent the data
//! must be, and keeps the reads of one request on one server.
//!
//! # Recipients and daily counts
//! A recipient is a row of `recipients`: one address on one class of channel, with one subscriber or none. A message
//! holds that row's number, so one integer leads to its index; a person is the set of such rows that a query resolves
//! to, so a link that becomes known later needs no message rewritten. The planner learns where a window's ids lie from
//! counts by UTC day ([`store::messages::daily_counts`]).
//!
//! # Changes and the text index
//! A tenant's sequence of changes is raised under its lock, as a part of each commit ([`store::changes`]). Readers follow it
//! ([`api::changes`]); those that wait are woken by the commit, or by a look at the sequences (`store/waiting.rs`). A
//! background job follows it too ([`store::search`]), and writes the terms that [`model::search`] makes of a message's
//! texts into a full-text table for each tenant on SQLite, and into a `tsvector` column on PostgreSQL. A search finds
//! candidates there, and decides on the messages themselves.
//!
//! # Blocks
//! A background job encodes each few thousand consecutive messages as a block: for each property, the rank of every
//! message's value ([`store::messages::blocks`]). Sorts by any property, filters by kind and offsets of any size read
//! these few bytes a message, and then only the messages of the page. Messages without a block, and those written since
//! theirs was built, are read one by one, so a page is exact whatever has been built.

pub mod api;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod document;
pub mod edna;
pub mod fair_queue;
pub mod generate;
pub mod http;
pub mod in_flight;
pub mod ingest;
pub mod jobs;
pub mod keys;
pub mod metrics;
pub mod model;
pub mod oneuptime;
pub mod outbound;
pub mod pull;
pub mod rate_limit;
pub mod result_cache;
pub mod sandbox;

pub mod sign_in;
pub mod store;
pub mod telemetry;
pub mod transfer;
pub mod viewer;
pub mod web;
