DROP INDEX messages_by_recipient;
DROP INDEX messages_by_subject;
DROP INDEX messages_by_time;
DROP INDEX messages_by_comment;
DROP INDEX messages_by_status;
DROP INDEX messages_by_cascade;
DROP INDEX messages_by_broadcast;
ALTER TABLE messages RENAME TO moved_messages;
CREATE TABLE messages_to_move (
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
