-- The feed that a message came from, and when the gateway first received it: 0 an imported file, 1 edna's webhook, 2 a
-- request of the tenant's own system, 3 another endpoint's history, 4 a request of the tenant's own system with a key
-- that is restricted to some subjects. Where copies are kept, each copy has its own.
ALTER TABLE messages ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN received_at BIGINT;
ALTER TABLE message_copies ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message_copies ADD COLUMN received_at BIGINT;

-- Every known status event, for the trail of its message: those from webhooks and from the tenant's own systems, and
-- those from copies of the message that are no longer kept.
CREATE TABLE status_events (
    tenant_id BIGINT NOT NULL,
    -- Negative if the event does not name its message: a number derived from its digest, so that the event is found by
    -- the primary key like the others.
    message_id BIGINT NOT NULL,
    -- The first half of the SHA-256 of the event's fields and its source, in hexadecimal, to recognise a repeat.
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
    -- The event as it was received; null if it was part of a message.
    body TEXT,
    PRIMARY KEY (tenant_id, message_id, digest)
) WITHOUT ROWID;
CREATE INDEX status_events_by_request ON status_events (tenant_id, request_id, subject_id) WHERE request_id IS NOT NULL;
CREATE INDEX status_events_without_message ON status_events (tenant_id, request_id, subject_id) WHERE message_id < 0;

-- Pending messages: their channel is not known yet, because their subject is unknown. Items without a channelType.
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

-- Webhook events that are neither messages nor statuses: templates, categories, clicks.
CREATE TABLE other_events (
    tenant_id BIGINT NOT NULL,
    digest TEXT NOT NULL,
    received_at BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);

-- Statistics, as in the WhatsApp log migration. Without the first three, resolving a person scanned all recipients of
-- the tenant.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('recipients', 'recipients_by_address', '1000000 1000000 2'),
    ('recipients', 'recipients_by_folded_address', '1000000 1000000 2'),
    ('recipients', 'recipients_by_subscriber', '1000000 1000000 2'),
    ('status_events', 'status_events', '1000000 1000000 2 1'),
    ('status_events', 'status_events_by_request', '1000000 1000000 2 2 1'),
    ('status_events', 'status_events_without_message', '1000000 1000000 2 2 1'),
    ('waiting_messages', 'waiting_messages', '100000 100000 1000 1 1'),
    ('other_events', 'sqlite_autoindex_other_events_1', '100000 100000 1');
