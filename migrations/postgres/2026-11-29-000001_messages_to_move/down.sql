ALTER TABLE messages
    ADD COLUMN address TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN delivery_status TEXT COLLATE "C",
    ADD COLUMN delivery_status_at BIGINT,
    ADD COLUMN delivery_status_message TEXT COLLATE "C",
    ADD COLUMN subject_name TEXT COLLATE "C",
    ADD COLUMN cascade_id BIGINT,
    ADD COLUMN cascade_name TEXT COLLATE "C",
    ADD COLUMN matcher_id BIGINT,
    ADD COLUMN matcher_name TEXT COLLATE "C",
    ADD COLUMN cascade_stage_uuid TEXT COLLATE "C",
    ADD COLUMN broadcast_id BIGINT,
    ADD COLUMN broadcast_name TEXT COLLATE "C",
    ADD COLUMN segments BIGINT,
    ADD COLUMN subscriber_id BIGINT,
    ADD COLUMN comment TEXT COLLATE "C",
    ADD COLUMN reply_in_message_id BIGINT,
    ADD COLUMN reply_out_message_id BIGINT,
    ADD COLUMN reply_out_message_external_request_id TEXT COLLATE "C";
UPDATE messages SET
    address = message_value(item, 'address'),
    delivery_status = message_value(item, 'deliveryStatus'),
    delivery_status_at = extract(epoch FROM message_value(item, 'deliveryStatusAt')::TIMESTAMPTZ) * 1000,
    delivery_status_message = message_value(item, 'deliveryStatusMessage'),
    subject_name = message_value(item, 'subjectName'),
    cascade_id = message_value(item, 'cascadeId')::BIGINT,
    cascade_name = message_value(item, 'cascadeName'),
    matcher_id = message_value(item, 'matcherId')::BIGINT,
    matcher_name = message_value(item, 'matcherName'),
    cascade_stage_uuid = message_value(item, 'cascadeStageUuid'),
    broadcast_id = message_value(item, 'broadcastId')::BIGINT,
    broadcast_name = message_value(item, 'broadcastName'),
    segments = message_value(item, 'segments')::BIGINT,
    subscriber_id = message_value(item, 'subscriberId')::BIGINT,
    comment = message_value(item, 'comment'),
    reply_in_message_id = message_value(item, 'replyInMessageId')::BIGINT,
    reply_out_message_id = message_value(item, 'replyOutMessageId')::BIGINT,
    reply_out_message_external_request_id = message_value(item, 'replyOutMessageExternalRequestId');
ALTER TABLE messages ALTER COLUMN address DROP DEFAULT;
DROP FUNCTION message_value(TEXT, TEXT);
CREATE FUNCTION message_content(item TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN strpos(item, '\u000') = 0 THEN substring(item FROM '"content":("(?:[^"\\]|\\.)*")')::json #>> '{}'
    ELSE regexp_replace(
        regexp_replace(
            substring(item FROM '"content":("(?:[^"\\]|\\.)*")'),
            '(?<!\\)((?:\\\\)*)\\u0001', '\1\\u0001\\u0002', 'g'
        ),
        '(?<!\\)((?:\\\\)*)\\u0000', '\1\\u0001\\u0001', 'g'
    )::json #>> '{}'
END;
