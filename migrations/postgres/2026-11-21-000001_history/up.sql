CREATE TABLE tenants (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    -- The tenant's OneUptime project.
    project_id TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE subjects (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    name TEXT COLLATE "C",
    channel_type TEXT COLLATE "C" NOT NULL,
    -- The greatest message id that the subject was learned from; null if it was added with `subject add`.
    learned_from BIGINT,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE api_keys (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    -- SHA-256 of the key; the key itself is not stored.
    digest BYTEA NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    -- JSON arrays; null if none were given.
    method_groups TEXT COLLATE "C",
    senders TEXT COLLATE "C",
    permissions TEXT COLLATE "C",
    oneuptime_profile TEXT COLLATE "C",
    -- The last valid day, inclusive, as YYYY-MM-DD in UTC.
    valid_until TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id);

-- One row for each combination of address, channel class and subscriber that occurs in messages. A message without a
-- subscriber has a row without one, so no message is rewritten when a link becomes known later.
CREATE TABLE recipients (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    folded_address TEXT COLLATE "C" NOT NULL,
    -- 1 for the phone channels, 2 for all others.
    channel_class INTEGER NOT NULL,
    subscriber_id BIGINT
);
CREATE INDEX recipients_by_address ON recipients (tenant_id, address);
CREATE INDEX recipients_by_folded_address ON recipients (tenant_id, folded_address);
CREATE INDEX recipients_by_subscriber ON recipients (tenant_id, subscriber_id);

-- Columns for queries, and the item that responses contain. Times are milliseconds since 1970.
--
-- One partition per month, created in advance and on demand by the gateway. A primary key must contain the partition
-- column, so the database cannot enforce that (tenant_id, message_id) is unique. The writers ensure it: they take turns
-- by locking their tenant's row.
CREATE TABLE messages (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    sent_or_received_at BIGINT NOT NULL,
    recipient_id BIGINT NOT NULL,
    subject_id BIGINT,
    channel_type TEXT COLLATE "C" NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    traffic_type TEXT COLLATE "C",
    address TEXT COLLATE "C" NOT NULL,
    delivery_status TEXT COLLATE "C",
    delivery_status_at BIGINT,
    delivery_status_message TEXT COLLATE "C",
    subject_name TEXT COLLATE "C",
    cascade_id BIGINT,
    cascade_name TEXT COLLATE "C",
    matcher_id BIGINT,
    matcher_name TEXT COLLATE "C",
    cascade_stage_uuid TEXT COLLATE "C",
    broadcast_id BIGINT,
    broadcast_name TEXT COLLATE "C",
    segments BIGINT,
    subscriber_id BIGINT,
    comment TEXT COLLATE "C",
    reply_in_message_id BIGINT,
    reply_out_message_id BIGINT,
    reply_out_message_external_request_id TEXT COLLATE "C",
    item TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, message_id, sent_or_received_at)
) PARTITION BY RANGE (sent_or_received_at);
-- These indexes contain sums with zero instead of the bare columns. A sort or a filter on the bare column then cannot
-- use them, and one on the sum cannot use the primary key, so the planner has one index to choose for every statement.
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_id, (message_id + 0), sent_or_received_at);
CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, (message_id + 0), sent_or_received_at);
CREATE INDEX messages_by_time ON messages (tenant_id, (sent_or_received_at + 0), message_id);

-- 1262304000000 is 2010-01-01, 2840140800000 is 2060-01-01.
CREATE TABLE messages_before_2010 PARTITION OF messages FOR VALUES FROM (MINVALUE) TO (1262304000000);
CREATE TABLE messages_from_2060 PARTITION OF messages FOR VALUES FROM (2840140800000) TO (MAXVALUE);

-- The content of an item, for sorting by it: the first field of that name, because quotes inside texts are escaped.
-- Only this field is parsed as JSON, because unknown fields may contain values that PostgreSQL cannot represent as
-- text. One such value is U+0000: U+0000 and U+0001 are each replaced by a pair of characters that keeps their sort
-- order. A backslash that is itself escaped does not begin an escape sequence.
CREATE FUNCTION message_content(item TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN strpos(item, '\u000') = 0 THEN substring(item FROM '"content":("(?:[^"\\]|\\.)*")')::json #>> '{}'
    ELSE regexp_replace(
        regexp_replace(
            substring(item FROM '"content":("(?:[^"\\]|\\.)*")'),
            '(?<!\\)((?:\\\\)*)\\u0001', '\1\\u0001\\u0002', 'g'
        ),
        '(?<!\\)((?:\\\\)*)\\u0000', '\1\\u0001\\u0001', 'g'
    )::json #>> '{}'
END;

-- The copies that a message was merged from, kept only if more than one of them contributes a field.
CREATE TABLE message_copies (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    place INTEGER NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, message_id, place)
);

-- The number of messages of each kind per UTC day, and the range of their ids. They show which ids a window contains,
-- and that a combination does not occur, without reading a message. The id range only ever widens. The row of a day in
-- which channel type, direction and traffic type are all empty is the total of the day.
CREATE TABLE message_days (
    tenant_id BIGINT NOT NULL,
    channel_type TEXT COLLATE "C" NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    -- Empty if the messages have none.
    traffic_type TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    least_message_id BIGINT NOT NULL,
    greatest_message_id BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, channel_type, direction, traffic_type, day)
    -- Every batch updates rows; the free space in each page lets the new versions stay in it.
) WITH (fillfactor = 50);
