DELETE FROM sqlite_stat1 WHERE tbl = 'messages';
DROP INDEX messages_by_time;
DROP INDEX messages_by_subject;
DROP INDEX messages_by_recipient;
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
    source INTEGER NOT NULL DEFAULT 0,
    received_at BIGINT,
    PRIMARY KEY (tenant_id, message_id)
);
