-- How far the text index of each tenant has come.
CREATE TABLE search_states (
    tenant_id BIGINT NOT NULL PRIMARY KEY,
    -- The sequence up to which changes are indexed.
    indexed_up_to BIGINT NOT NULL,
    -- While the index is built anew: the message id up to which it is; null once it is complete.
    built_up_to BIGINT,
    -- When it last contained everything that was recorded before.
    complete_at BIGINT
);

-- The terms of each message: those of its texts, as the gateway analyses them, and those of the ranges that it belongs to.
CREATE TABLE message_terms (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    terms TSVECTOR NOT NULL
);
CREATE INDEX message_terms_by_term ON message_terms USING gin (terms);
-- Sums with zero, which searches do not contain, so that they use the index by term.
CREATE INDEX message_terms_by_id ON message_terms ((message_id + 0), (tenant_id + 0));

-- Ranges of message ids with about as many messages each. A search looks into one after another, from the newest on: an
-- index by term has no order.
CREATE TABLE search_ranges (
    tenant_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    first_id BIGINT NOT NULL,
    last_id BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
