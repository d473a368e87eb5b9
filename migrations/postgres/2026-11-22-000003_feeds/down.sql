DROP TABLE other_events;
DROP TABLE waiting_messages;
DROP TABLE status_events;
ALTER TABLE message_copies DROP COLUMN received_at;
ALTER TABLE message_copies DROP COLUMN source;
ALTER TABLE messages DROP COLUMN received_at;
ALTER TABLE messages DROP COLUMN source;
