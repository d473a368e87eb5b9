-- Columns to find messages by. Only messages that have a value cost anything in their indexes.
ALTER TABLE messages
    -- The first 8 bytes of the SHA-256 of the comment, as a signed big-endian number: a comment can be of any length.
    ADD COLUMN comment_digest BIGINT,
    -- The delivery status, unless it is SENT, DELIVERED or READ, which most messages have, or longer than 256 bytes.
    ADD COLUMN undelivered_status TEXT COLLATE "C",
    ADD COLUMN cascade_id BIGINT,
    ADD COLUMN broadcast_id BIGINT;
UPDATE messages SET
    comment_digest = ('x' || left(encode(sha256(convert_to(message_value(item, 'comment'), 'UTF8')), 'hex'), 16))::BIT(64)::BIGINT,
    undelivered_status = CASE
        WHEN message_value(item, 'deliveryStatus') NOT IN ('SENT', 'DELIVERED', 'READ')
            AND octet_length(message_value(item, 'deliveryStatus')) <= 256 THEN message_value(item, 'deliveryStatus')
    END,
    cascade_id = message_value(item, 'cascadeId')::BIGINT,
    broadcast_id = message_value(item, 'broadcastId')::BIGINT
WHERE strpos(item, '"comment":') > 0 OR strpos(item, '"cascadeId":') > 0 OR strpos(item, '"broadcastId":') > 0
    OR strpos(item, '"deliveryStatus":') > 0;
CREATE INDEX messages_by_comment ON messages (tenant_id, comment_digest, (message_id + 0))
    WHERE comment_digest IS NOT NULL;
CREATE INDEX messages_by_status ON messages (tenant_id, undelivered_status, (message_id + 0))
    WHERE undelivered_status IS NOT NULL;
CREATE INDEX messages_by_cascade ON messages (tenant_id, cascade_id, (message_id + 0)) WHERE cascade_id IS NOT NULL;
CREATE INDEX messages_by_broadcast ON messages (tenant_id, broadcast_id, (message_id + 0))
    WHERE broadcast_id IS NOT NULL;
