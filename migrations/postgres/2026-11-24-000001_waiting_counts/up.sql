-- The number of pending messages and of other events per tenant, updated together with those rows, so that checking
-- their limits and reporting metrics cost nothing.
ALTER TABLE tenants ADD COLUMN waiting_messages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN other_events BIGINT NOT NULL DEFAULT 0;
UPDATE tenants SET
    waiting_messages = (SELECT count(*) FROM waiting_messages WHERE waiting_messages.tenant_id = tenants.id),
    other_events = (SELECT count(*) FROM other_events WHERE other_events.tenant_id = tenants.id);
