-- What changes with a tenant's messages, apart from what identifies the tenant.
CREATE TABLE tenant_states (
    tenant_id BIGINT NOT NULL PRIMARY KEY,
    -- The message id up to which the tenant's messages have WhatsApp log rows; null if all of them have.
    logged_up_to BIGINT,
    -- The number of pending messages and of other events, updated together with those rows.
    waiting_messages BIGINT NOT NULL DEFAULT 0,
    other_events BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO tenant_states SELECT id, logged_up_to, waiting_messages, other_events FROM tenants;
ALTER TABLE tenants DROP COLUMN logged_up_to;
ALTER TABLE tenants DROP COLUMN waiting_messages;
ALTER TABLE tenants DROP COLUMN other_events;
