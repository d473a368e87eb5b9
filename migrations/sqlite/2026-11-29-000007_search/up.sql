-- How far the text index of each tenant has come. The index itself is a table for each tenant, search_TENANT, which is
-- created when it is first written.
CREATE TABLE search_states (
    tenant_id BIGINT NOT NULL PRIMARY KEY,
    -- The sequence up to which changes are indexed.
    indexed_up_to BIGINT NOT NULL,
    -- While the index is built anew: the message id up to which it is; null once it is complete.
    built_up_to BIGINT,
    -- When it last contained everything that was recorded before.
    complete_at BIGINT
) WITHOUT ROWID;
