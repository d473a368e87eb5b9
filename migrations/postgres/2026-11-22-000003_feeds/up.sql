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
    digest TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C",
    subject_id BIGINT,
    status TEXT COLLATE "C" NOT NULL,
    status_at BIGINT,
    status_message TEXT COLLATE "C",
    cascade_id BIGINT,
    cascade_stage_uuid TEXT COLLATE "C",
    comment TEXT COLLATE "C",
    source INTEGER NOT NULL,
    received_at BIGINT,
    -- The event as it was received; null if it was part of a message.
    body TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, message_id, digest)
);
CREATE INDEX status_events_by_request ON status_events (tenant_id, request_id, subject_id) WHERE request_id IS NOT NULL;
CREATE INDEX status_events_without_message ON status_events (tenant_id, request_id, subject_id) WHERE message_id < 0;

-- Pending messages: their channel is not known yet, because their subject is unknown. Items without a channelType.
CREATE TABLE waiting_messages (
    tenant_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    source INTEGER NOT NULL,
    received_at BIGINT,
    PRIMARY KEY (tenant_id, subject_id, message_id, digest)
);

-- Webhook events that are neither messages nor statuses: templates, categories, clicks.
CREATE TABLE other_events (
    tenant_id BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    received_at BIGINT,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, digest)
);
