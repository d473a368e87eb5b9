-- All messages have moved.
DROP TABLE messages_to_move;
ALTER TABLE moved_messages RENAME TO messages;
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_time ON messages (tenant_id, sent_or_received_at, message_id);
