-- How far the history of another endpoint is copied: one row for each tenant and upstream, so that a pull that was
-- stopped, however it was, goes on where it was. All times are milliseconds since 1970 and included.
CREATE TABLE pulls (
    tenant_id BIGINT NOT NULL,
    upstream TEXT NOT NULL,
    -- What was asked for; null where it was "as far back as there is" and "until now".
    asked_from BIGINT,
    asked_to BIGINT,
    -- Up to when everything that was asked for is here, the windows in incomplete aside.
    complete_up_to BIGINT,
    -- Up to when it was read so long after it was sent that nothing of it will change any more.
    settled_up_to BIGINT,
    -- The window in progress: since when it is read, from which message on, and the id of that message.
    window_from BIGINT,
    window_to BIGINT,
    window_since BIGINT,
    window_offset BIGINT,
    window_last_id BIGINT,
    -- Windows that could not be read to their end with certainty: "from..to", with spaces between them.
    incomplete TEXT NOT NULL,
    PRIMARY KEY (tenant_id, upstream)
);
