-- Columns to find messages by. Only messages that have a value cost anything in their indexes.
ALTER TABLE messages
    -- As a signed big-endian number of 8 bytes: the first 5 of the SHA-256 of all but the last 3 bytes of the comment,
    -- then these 3. A comment can be of any length; numbered ones stay side by side.
    ADD COLUMN comment_key BIGINT,
    -- The delivery status, unless it is SENT, DELIVERED or READ, which most messages have, or longer than 256 bytes.
    ADD COLUMN undelivered_status TEXT COLLATE "C",
    ADD COLUMN cascade_id BIGINT,
    ADD COLUMN broadcast_id BIGINT;
UPDATE messages SET
    comment_key = (
        SELECT ('x' || left(encode(sha256(substring(comment FROM 1 FOR beginning)), 'hex'), 10)
            || lpad(encode(substring(comment FROM beginning + 1), 'hex'), 6, '0'))::BIT(64)::BIGINT
        FROM (SELECT convert_to(message_value(item, 'comment'), 'UTF8')) AS bytes (comment),
            LATERAL (SELECT greatest(length(comment) - 3, 0)) AS halves (beginning)
    ),
    undelivered_status = CASE
        WHEN message_value(item, 'deliveryStatus') NOT IN ('SENT', 'DELIVERED', 'READ')
            AND octet_length(message_value(item, 'deliveryStatus')) <= 256 THEN message_value(item, 'deliveryStatus')
    END,
    cascade_id = message_value(item, 'cascadeId')::BIGINT,
    broadcast_id = message_value(item, 'broadcastId')::BIGINT
WHERE strpos(item, '"comment":') > 0 OR strpos(item, '"cascadeId":') > 0 OR strpos(item, '"broadcastId":') > 0
    OR strpos(item, '"deliveryStatus":') > 0;
CREATE INDEX messages_by_comment ON messages (tenant_id, comment_key, (message_id + 0))
    WHERE comment_key IS NOT NULL;
CREATE INDEX messages_by_status ON messages (tenant_id, undelivered_status, (message_id + 0))
    WHERE undelivered_status IS NOT NULL;
CREATE INDEX messages_by_cascade ON messages (tenant_id, cascade_id, (message_id + 0)) WHERE cascade_id IS NOT NULL;
CREATE INDEX messages_by_broadcast ON messages (tenant_id, broadcast_id, (message_id + 0))
    WHERE broadcast_id IS NOT NULL;
