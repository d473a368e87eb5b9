ALTER TABLE tenants DROP COLUMN other_events;
ALTER TABLE tenants DROP COLUMN waiting_messages;
