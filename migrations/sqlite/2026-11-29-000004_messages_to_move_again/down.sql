INSERT INTO messages_to_move SELECT
    tenant_id, message_id, sent_or_received_at, recipient_id, subject_id, channel_type, direction, traffic_type, source,
    received_at, item
FROM moved_messages;
DROP TABLE moved_messages;
ALTER TABLE messages_to_move RENAME TO messages;
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_time ON messages (tenant_id, sent_or_received_at, message_id);
DELETE FROM sqlite_stat1 WHERE tbl IN ('messages', 'messages_to_move', 'moved_messages');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('messages', 'sqlite_autoindex_messages_1', '1000000 1000000 1'),
    ('messages', 'messages_by_recipient', '1000000 1000000 20 1 1'),
    ('messages', 'messages_by_subject', '1000000 1000000 100000 1 1'),
    ('messages', 'messages_by_time', '1000000 1000000 2 1');
