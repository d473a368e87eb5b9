-- All messages have moved.
DROP TABLE messages_to_move;
ALTER TABLE moved_messages RENAME TO messages;
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_time ON messages (tenant_id, sent_or_received_at, message_id);
-- Only messages that have a value cost anything here.
CREATE INDEX messages_by_comment ON messages (tenant_id, comment_key, message_id) WHERE comment_key IS NOT NULL;
CREATE INDEX messages_by_status ON messages (tenant_id, undelivered_status, message_id)
    WHERE undelivered_status IS NOT NULL;
CREATE INDEX messages_by_cascade ON messages (tenant_id, cascade_id, message_id) WHERE cascade_id IS NOT NULL;
CREATE INDEX messages_by_broadcast ON messages (tenant_id, broadcast_id, message_id) WHERE broadcast_id IS NOT NULL;

-- Statistics, as in the WhatsApp log migration. Without them, deleting the messages that a batch replaces scanned all
-- messages of the tenant.
DELETE FROM sqlite_stat1 WHERE tbl IN ('messages', 'messages_to_move', 'moved_messages');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('messages', 'sqlite_autoindex_messages_1', '1000000 1000000 1'),
    ('messages', 'messages_by_recipient', '1000000 1000000 20 1 1'),
    ('messages', 'messages_by_subject', '1000000 1000000 100000 1 1'),
    ('messages', 'messages_by_time', '1000000 1000000 2 1'),
    ('messages', 'messages_by_comment', '1000000 1000000 2 1'),
    ('messages', 'messages_by_status', '100000 100000 20000 1'),
    ('messages', 'messages_by_cascade', '1000000 1000000 100000 1'),
    ('messages', 'messages_by_broadcast', '1000000 1000000 10000 1');
