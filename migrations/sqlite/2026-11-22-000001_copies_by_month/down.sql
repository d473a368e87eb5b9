ALTER TABLE message_copies DROP COLUMN sent_or_received_at;
