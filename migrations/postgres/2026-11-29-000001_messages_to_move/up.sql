-- Two thirds of the columns of messages only repeated what the item says, and were needed for sorts alone, which read
-- the item now.
DROP FUNCTION message_content(TEXT);

-- The value of an item's field, for sorting by it. Unknown fields may contain what PostgreSQL cannot represent as text:
-- U+0000 and U+0001 are each replaced by a pair of characters that keeps their sort order, and halves of surrogate pairs,
-- which no known field has, by a question mark. A backslash that is itself escaped does not begin an escape sequence.
CREATE FUNCTION message_value(item TEXT, name TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN strpos(item, '\u') = 0 THEN item::json ->> name
    ELSE regexp_replace(
        regexp_replace(
            regexp_replace(item, '(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\1?', 'g'),
            '(?<!\\)((?:\\\\)*)\\u0001', '\1\\u0001\\u0002', 'g'
        ),
        '(?<!\\)((?:\\\\)*)\\u0000', '\1\\u0001\\u0001', 'g'
    )::json ->> name
END;

ALTER TABLE messages
    DROP COLUMN address, DROP COLUMN delivery_status, DROP COLUMN delivery_status_at,
    DROP COLUMN delivery_status_message, DROP COLUMN subject_name, DROP COLUMN cascade_id, DROP COLUMN cascade_name,
    DROP COLUMN matcher_id, DROP COLUMN matcher_name, DROP COLUMN cascade_stage_uuid, DROP COLUMN broadcast_id,
    DROP COLUMN broadcast_name, DROP COLUMN segments, DROP COLUMN subscriber_id, DROP COLUMN comment,
    DROP COLUMN reply_in_message_id, DROP COLUMN reply_out_message_id,
    DROP COLUMN reply_out_message_external_request_id;

-- Existing rows contain the dropped values until their partition is rewritten, which `migrate --shrink` does. It removes
-- this comment from each one that it has rewritten.
DO $$
DECLARE partition REGCLASS;
BEGIN
    FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'messages'::REGCLASS LOOP
        IF pg_relation_size(partition) > 0 THEN
            EXECUTE format('COMMENT ON TABLE %s IS %L', partition, 'contains dropped columns');
        END IF;
    END LOOP;
END $$;
