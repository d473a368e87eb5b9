CREATE TABLE tenants (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- The tenant's OneUptime project.
    project_id TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE subjects (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    name TEXT,
    channel_type TEXT NOT NULL,
    -- The greatest message id that the subject was learned from; null if it was added with `subject add`.
    learned_from BIGINT,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE api_keys (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id BIGINT NOT NULL,
    -- SHA-256 of the key; the key itself is not stored.
    digest BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- JSON arrays; null if none were given.
    method_groups TEXT,
    senders TEXT,
    permissions TEXT,
    oneuptime_profile TEXT,
    -- The last valid day, inclusive, as YYYY-MM-DD in UTC.
    valid_until TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id);

-- One row for each combination of address, channel class and subscriber that occurs in messages. A message without a
-- subscriber has a row without one, so no message is rewritten when a link becomes known later.
CREATE TABLE recipients (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    folded_address TEXT NOT NULL,
    -- 1 for the phone channels, 2 for all others.
    channel_class INTEGER NOT NULL,
    subscriber_id BIGINT
);
CREATE INDEX recipients_by_address ON recipients (tenant_id, address);
CREATE INDEX recipients_by_folded_address ON recipients (tenant_id, folded_address);
CREATE INDEX recipients_by_subscriber ON recipients (tenant_id, subscriber_id);

-- Columns for queries, and the item that responses contain. Times are milliseconds since 1970.
CREATE TABLE messages (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    sent_or_received_at BIGINT NOT NULL,
    recipient_id BIGINT NOT NULL,
    subject_id BIGINT,
    channel_type TEXT NOT NULL,
    direction TEXT NOT NULL,
    traffic_type TEXT,
    address TEXT NOT NULL,
    delivery_status TEXT,
    delivery_status_at BIGINT,
    delivery_status_message TEXT,
    subject_name TEXT,
    cascade_id BIGINT,
    cascade_name TEXT,
    matcher_id BIGINT,
    matcher_name TEXT,
    cascade_stage_uuid TEXT,
    broadcast_id BIGINT,
    broadcast_name TEXT,
    segments BIGINT,
    subscriber_id BIGINT,
    comment TEXT,
    reply_in_message_id BIGINT,
    reply_out_message_id BIGINT,
    reply_out_message_external_request_id TEXT,
    item TEXT NOT NULL,
    PRIMARY KEY (tenant_id, message_id)
);
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_time ON messages (tenant_id, sent_or_received_at, message_id);

-- The copies that a message was merged from, kept only if more than one of them contributes a field.
CREATE TABLE message_copies (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    place INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (tenant_id, message_id, place)
);

-- The number of messages of each kind per UTC day, and the range of their ids. They show which ids a window contains,
-- and that a combination does not occur, without reading a message. The id range only ever widens. The row of a day in
-- which channel type, direction and traffic type are all empty is the total of the day.
CREATE TABLE message_days (
    tenant_id BIGINT NOT NULL,
    channel_type TEXT NOT NULL,
    direction TEXT NOT NULL,
    -- Empty if the messages have none.
    traffic_type TEXT NOT NULL,
    day BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    least_message_id BIGINT NOT NULL,
    greatest_message_id BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, channel_type, direction, traffic_type, day)
) WITHOUT ROWID;
