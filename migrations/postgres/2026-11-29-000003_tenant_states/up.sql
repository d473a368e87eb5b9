-- What changes with a tenant's messages, apart from what identifies the tenant: writers take turns by locking this row.
-- With Citus (deploy/citus.sql) it is on the tenant's server, like everything else that they write.
LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE;
CREATE TABLE tenant_states (
    tenant_id BIGINT NOT NULL PRIMARY KEY,
    -- The message id up to which the tenant's messages have WhatsApp log rows; null if all of them have.
    logged_up_to BIGINT,
    -- The number of pending messages and of other events, updated together with those rows.
    waiting_messages BIGINT NOT NULL DEFAULT 0,
    other_events BIGINT NOT NULL DEFAULT 0
);
INSERT INTO tenant_states SELECT id, logged_up_to, waiting_messages, other_events FROM tenants;
ALTER TABLE tenants DROP COLUMN logged_up_to, DROP COLUMN waiting_messages, DROP COLUMN other_events;

-- A primary key that contains the tenant, so that the table can be distributed by it.
ALTER TABLE recipients DROP CONSTRAINT recipients_pkey;
ALTER TABLE recipients ADD PRIMARY KEY (tenant_id, id);
