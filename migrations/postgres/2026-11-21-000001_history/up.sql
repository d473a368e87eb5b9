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
    -- The greatest message id it was learned from; null where it was added by hand.
    learned_from BIGINT,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE api_keys (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    -- SHA-256 of the key; the key itself is nowhere.
    digest BYTEA NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    -- JSON arrays; null for none given.
    method_groups TEXT COLLATE "C",
    senders TEXT COLLATE "C",
    permissions TEXT COLLATE "C",
    oneuptime_profile TEXT COLLATE "C",
    -- The last valid day, YYYY-MM-DD in UTC, that day included.
    valid_until TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id);

-- One row for each address, class of channel and subscriber that messages have together.
-- A message without subscriber has a row without one, so links that become known later need no rewriting.
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

-- Columns to ask by, and the item to answer with. Instants are milliseconds since 1970.
--
-- A partition for each month; the gateway makes them ahead and on demand (src/store/partitions.rs). A key must
-- hold the column that partitions are cut by, so (tenant_id, message_id) alone is kept unique by the writers,
-- who take turns on their tenant's row.
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
-- Sums, because an order or a window by the bare column can then be no reason to walk one of these, nor an order by
-- a sum a reason to walk the primary key: every statement has one index left (src/store/history.rs).
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_id, (message_id + 0), sent_or_received_at);
CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, (message_id + 0), sent_or_received_at);
CREATE INDEX messages_by_time ON messages (tenant_id, (sent_or_received_at + 0), message_id);

-- 1262304000000 is 2010-01-01, 2840140800000 is 2060-01-01.
CREATE TABLE messages_before_2010 PARTITION OF messages FOR VALUES FROM (MINVALUE) TO (1262304000000);
CREATE TABLE messages_from_2060 PARTITION OF messages FOR VALUES FROM (2840140800000) TO (MAXVALUE);

-- An item's content, for sorting by it: the first field of that name, because a quote within a text is escaped. Only
-- this text is read as JSON: what an unknown field holds may be more than a text here can. That is so of U+0000, which
-- with U+0001 becomes two characters in an order that is theirs; an escaped backslash before a "u" is no escape.
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

-- The copies a message was merged from, kept only where more than one of them contributes.
CREATE TABLE message_copies (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    place INTEGER NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, message_id, place)
);

-- How many messages of each sort a UTC day has, and which ids they lie between: tells where a window's
-- ids are, and that a combination does not occur, without touching a message. Bounds only ever widen.
-- The row of a day with three empty words sums up all its messages.
CREATE TABLE message_days (
    tenant_id BIGINT NOT NULL,
    channel_type TEXT COLLATE "C" NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    -- Empty where the messages have none.
    traffic_type TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    least_message_id BIGINT NOT NULL,
    greatest_message_id BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, channel_type, direction, traffic_type, day)
    -- Rows change with every batch; the room left beside them lets that happen in place.
) WITH (fillfactor = 50);
