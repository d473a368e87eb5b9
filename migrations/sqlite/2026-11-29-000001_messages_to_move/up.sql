-- Two thirds of the columns of messages only repeated what the item says, and were needed for sorts alone, which read
-- the item now. Messages move into a table without these columns, in batches (src/store/db/moving.rs). The next migration
-- gives this table its name, so that no program of an earlier version takes the moved messages for all.
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
    PRIMARY KEY (tenant_id, message_id)
);
