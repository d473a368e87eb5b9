-- How far the history of another endpoint has been copied: one row per tenant and upstream, so that a pull resumes
-- where it was stopped, for whatever reason. All times are inclusive, in milliseconds since 1970.
CREATE TABLE pulls (
    tenant_id BIGINT NOT NULL,
    upstream TEXT COLLATE "C" NOT NULL,
    -- The requested range; null for "from the beginning" and "until now".
    asked_from BIGINT,
    asked_to BIGINT,
    -- The time up to which everything in the requested range has been copied, except the windows in `incomplete`.
    complete_up_to BIGINT,
    -- The time up to which messages were read so long after they were sent that they will not change any more.
    settled_up_to BIGINT,
    -- The window in progress: its ends, when reading it began, the offset to resume at, and the id of the message
    -- there.
    window_from BIGINT,
    window_to BIGINT,
    window_since BIGINT,
    window_offset BIGINT,
    window_last_id BIGINT,
    -- Windows that may not have been read completely: "from..to", separated by spaces.
    incomplete TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, upstream)
);
