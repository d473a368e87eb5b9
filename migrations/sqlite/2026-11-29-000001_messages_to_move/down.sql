-- An earlier version's columns, from the items.
INSERT INTO messages_to_move (
    tenant_id, message_id, sent_or_received_at, recipient_id, subject_id, channel_type, direction, traffic_type, address,
    delivery_status, delivery_status_at, delivery_status_message, subject_name, cascade_id, cascade_name, matcher_id,
    matcher_name, cascade_stage_uuid, broadcast_id, broadcast_name, segments, subscriber_id, comment,
    reply_in_message_id, reply_out_message_id, reply_out_message_external_request_id, item, source, received_at
) SELECT
    tenant_id, message_id, sent_or_received_at, recipient_id, subject_id, channel_type, direction, traffic_type,
    item ->> 'address', item ->> 'deliveryStatus',
    unixepoch(substr(item ->> 'deliveryStatusAt', 1, 19)) * 1000 + substr(item ->> 'deliveryStatusAt', 21, 3),
    item ->> 'deliveryStatusMessage', item ->> 'subjectName', item ->> 'cascadeId', item ->> 'cascadeName',
    item ->> 'matcherId', item ->> 'matcherName', item ->> 'cascadeStageUuid', item ->> 'broadcastId',
    item ->> 'broadcastName', item ->> 'segments', item ->> 'subscriberId', item ->> 'comment',
    item ->> 'replyInMessageId', item ->> 'replyOutMessageId', item ->> 'replyOutMessageExternalRequestId', item, source,
    received_at
FROM moved_messages;
DROP TABLE moved_messages;
ALTER TABLE messages_to_move RENAME TO messages;
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, message_id, sent_or_received_at);
CREATE INDEX messages_by_time ON messages (tenant_id, sent_or_received_at, message_id);
