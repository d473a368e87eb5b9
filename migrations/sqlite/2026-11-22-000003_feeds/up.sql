-- Which feed a message came from, and when the gateway first heard of it: 0 a file, 1 edna's webhook, 2 an own system's
-- request, 3 another endpoint's history, 4 an own system's request with a key for some subjects. Where copies are kept,
-- each has its own.
ALTER TABLE messages ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN received_at BIGINT;
ALTER TABLE message_copies ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message_copies ADD COLUMN received_at BIGINT;

-- Every status event known, for the trail of its message: what webhooks and own systems said, and what was said by copies
-- of the message that are no longer kept.
CREATE TABLE status_events (
    tenant_id BIGINT NOT NULL,
    -- Less than 0 where the event does not name its message: a number made of its digest, so that it is found like the
    -- others.
    message_id BIGINT NOT NULL,
    -- The beginning of the SHA-256 of what it says and of its source, in hexadecimal, so that a repeat is known.
    digest TEXT NOT NULL,
    request_id TEXT,
    subject_id BIGINT,
    status TEXT NOT NULL,
    status_at BIGINT,
    status_message TEXT,
    cascade_id BIGINT,
    cascade_stage_uuid TEXT,
    comment TEXT,
    source INTEGER NOT NULL,
    received_at BIGINT,
    -- As it came; null where it came with a message.
    body TEXT,
    PRIMARY KEY (tenant_id, message_id, digest)
) WITHOUT ROWID;
CREATE INDEX status_events_by_request ON status_events (tenant_id, request_id, subject_id) WHERE request_id IS NOT NULL;
CREATE INDEX status_events_without_message ON status_events (tenant_id, request_id, subject_id) WHERE message_id < 0;

-- Messages whose channel is not known yet, because nobody has told of their subject: items without a channelType.
CREATE TABLE waiting_messages (
    tenant_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    digest TEXT NOT NULL,
    item TEXT NOT NULL,
    source INTEGER NOT NULL,
    received_at BIGINT,
    PRIMARY KEY (tenant_id, subject_id, message_id, digest)
) WITHOUT ROWID;

-- What webhooks told besides messages and statuses: templates, categories, clicks.
CREATE TABLE other_events (
    tenant_id BIGINT NOT NULL,
    digest TEXT NOT NULL,
    received_at BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);

-- See the migration before: a tenant is not a handful of rows. Without the first three, finding a person walked all of a
-- tenant's recipients.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('recipients', 'recipients_by_address', '1000000 1000000 2'),
    ('recipients', 'recipients_by_folded_address', '1000000 1000000 2'),
    ('recipients', 'recipients_by_subscriber', '1000000 1000000 2'),
    ('status_events', 'status_events', '1000000 1000000 2 1'),
    ('status_events', 'status_events_by_request', '1000000 1000000 2 2 1'),
    ('status_events', 'status_events_without_message', '1000000 1000000 2 2 1'),
    ('waiting_messages', 'waiting_messages', '100000 100000 1000 1 1'),
    ('other_events', 'sqlite_autoindex_other_events_1', '100000 100000 1');
