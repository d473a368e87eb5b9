-- Messages get columns to find them by, so they move into a table that has them, in batches (src/store/db/moving.rs).
ALTER TABLE messages RENAME TO messages_to_move;
DROP INDEX messages_by_recipient;
DROP INDEX messages_by_subject;
DROP INDEX messages_by_time;

-- Columns for filters and windows, and the item that responses contain. Times are milliseconds since 1970.
CREATE TABLE moved_messages (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    sent_or_received_at BIGINT NOT NULL,
    recipient_id BIGINT NOT NULL,
    subject_id BIGINT,
    channel_type TEXT NOT NULL,
    direction TEXT NOT NULL,
    traffic_type TEXT,
    source INTEGER NOT NULL DEFAULT 0,
    received_at BIGINT,
    item TEXT NOT NULL,
    -- As a signed big-endian number of 8 bytes: the first 5 of the SHA-256 of all but the last 3 bytes of the comment,
    -- then these 3. A comment can be of any length; numbered ones stay side by side.
    comment_key BIGINT,
    -- The delivery status, unless it is SENT, DELIVERED or READ, which most messages have, or longer than 256 bytes.
    undelivered_status TEXT,
    cascade_id BIGINT,
    broadcast_id BIGINT,
    PRIMARY KEY (tenant_id, message_id)
);
