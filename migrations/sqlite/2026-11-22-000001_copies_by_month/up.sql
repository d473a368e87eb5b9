-- The time at which the message was sent or received, so that its copies can be dropped with its month.
ALTER TABLE message_copies ADD COLUMN sent_or_received_at BIGINT NOT NULL DEFAULT 0;
UPDATE message_copies SET sent_or_received_at = (
    SELECT sent_or_received_at FROM messages
    WHERE messages.tenant_id = message_copies.tenant_id AND messages.message_id = message_copies.message_id
);
