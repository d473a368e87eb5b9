ALTER TABLE tenants ADD COLUMN logged_up_to BIGINT;
ALTER TABLE tenants ADD COLUMN waiting_messages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN other_events BIGINT NOT NULL DEFAULT 0;
UPDATE tenants SET logged_up_to = state.logged_up_to, waiting_messages = state.waiting_messages,
    other_events = state.other_events FROM tenant_states AS state WHERE state.tenant_id = tenants.id;
DROP TABLE tenant_states;
