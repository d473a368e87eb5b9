ALTER TABLE messages DROP COLUMN comment_key, DROP COLUMN undelivered_status, DROP COLUMN cascade_id,
    DROP COLUMN broadcast_id;
