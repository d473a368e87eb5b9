-- The rows of OneUptime's WhatsApp Log: one for each outgoing WhatsApp message, and the imported ones.
CREATE TABLE whatsapp_logs (
    tenant_id BIGINT NOT NULL,
    -- A UUID in lower case, like all ids here.
    id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    to_number TEXT NOT NULL,
    from_number TEXT,
    message_text TEXT,
    status_message TEXT,
    whatsapp_message_id TEXT,
    status TEXT NOT NULL,
    whatsapp_cost_in_usd_cents BIGINT NOT NULL,
    incident_id TEXT,
    user_id TEXT,
    alert_id TEXT,
    monitor_id TEXT,
    scheduled_maintenance_id TEXT,
    status_page_id TEXT,
    status_page_announcement_id TEXT,
    team_id TEXT,
    on_call_duty_policy_id TEXT,
    on_call_duty_policy_escalation_rule_id TEXT,
    on_call_duty_policy_schedule_id TEXT,
    -- The subject of the edna message that the row represents; null if it represents none.
    subject_id BIGINT,
    -- Where the row's data comes from: 0 an edna message, 1 an import in OneUptime's form, 2 an edna message that is
    -- newer than an imported copy, which is kept in whatsapp_log_copies.
    source INTEGER NOT NULL,
    -- The texts in the case-folded form that searches compare; null if folding does not change them.
    folded_to_number TEXT,
    folded_from_number TEXT,
    folded_message_text TEXT,
    folded_status_message TEXT,
    folded_whatsapp_message_id TEXT,
    folded_status TEXT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX whatsapp_logs_by_time ON whatsapp_logs (tenant_id, created_at, id);
CREATE INDEX whatsapp_logs_by_update ON whatsapp_logs (tenant_id, updated_at, id);
CREATE INDEX whatsapp_logs_by_status ON whatsapp_logs (tenant_id, status, created_at, id);
CREATE INDEX whatsapp_logs_by_to_number ON whatsapp_logs (tenant_id, to_number, created_at, id);
-- Partial indexes on the rows that have a value: most rows have none, and so cost nothing here.
CREATE INDEX whatsapp_logs_by_from_number ON whatsapp_logs (tenant_id, from_number, created_at, id) WHERE from_number IS NOT NULL;
CREATE INDEX whatsapp_logs_by_whatsapp_message ON whatsapp_logs (tenant_id, whatsapp_message_id, created_at, id) WHERE whatsapp_message_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_subject ON whatsapp_logs (tenant_id, subject_id, created_at, id) WHERE subject_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_incident ON whatsapp_logs (tenant_id, incident_id, created_at, id) WHERE incident_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_user ON whatsapp_logs (tenant_id, user_id, created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_alert ON whatsapp_logs (tenant_id, alert_id, created_at, id) WHERE alert_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_monitor ON whatsapp_logs (tenant_id, monitor_id, created_at, id) WHERE monitor_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_scheduled_maintenance ON whatsapp_logs (tenant_id, scheduled_maintenance_id, created_at, id) WHERE scheduled_maintenance_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_status_page ON whatsapp_logs (tenant_id, status_page_id, created_at, id) WHERE status_page_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_status_page_announcement ON whatsapp_logs (tenant_id, status_page_announcement_id, created_at, id) WHERE status_page_announcement_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_team ON whatsapp_logs (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_on_call_duty_policy ON whatsapp_logs (tenant_id, on_call_duty_policy_id, created_at, id) WHERE on_call_duty_policy_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_on_call_duty_policy_escalation_rule ON whatsapp_logs (tenant_id, on_call_duty_policy_escalation_rule_id, created_at, id) WHERE on_call_duty_policy_escalation_rule_id IS NOT NULL;
CREATE INDEX whatsapp_logs_by_on_call_duty_policy_schedule ON whatsapp_logs (tenant_id, on_call_duty_policy_schedule_id, created_at, id) WHERE on_call_duty_policy_schedule_id IS NOT NULL;

-- Imported copies in OneUptime's form that are older than the message whose row they describe. The time of a message's
-- status can move back, and then the copy is the newer one. Keeping the copies makes the result independent of the
-- order of arrival.
CREATE TABLE whatsapp_log_copies (
    tenant_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    log TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- The number of rows per UTC day, subject and status, so that counting scans no rows. A row with an empty status is the
-- total of all statuses; a row with the smallest integer as its subject is the total of all rows, including those
-- without a subject.
CREATE TABLE whatsapp_log_days (
    tenant_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    status TEXT NOT NULL,
    day BIGINT NOT NULL,
    logs BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, status, day)
) WITHOUT ROWID;

-- The message id up to which a tenant's messages have WhatsApp log rows; null if all of them have. The gateway creates
-- the rows of the messages that are already in the store, in batches of ascending ids, starting from the smallest
-- integer.
ALTER TABLE tenants ADD COLUMN logged_up_to BIGINT;
UPDATE tenants SET logged_up_to = -9223372036854775808;

-- Statistics for these indexes until somebody runs ANALYZE. Without them the planner assumes that a tenant has only a
-- few rows, and scans all of them where a list of ids or numbers would select a few.
ANALYZE whatsapp_logs;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('whatsapp_logs', 'sqlite_autoindex_whatsapp_logs_1', '1000000 1000000 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_time', '1000000 1000000 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_update', '1000000 1000000 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_status', '1000000 1000000 100000 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_to_number', '1000000 1000000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_from_number', '100000 100000 100 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_whatsapp_message', '100000 100000 1 1 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_subject', '1000000 1000000 100000 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_incident', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_user', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_alert', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_monitor', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_scheduled_maintenance', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_status_page', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_status_page_announcement', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_team', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_on_call_duty_policy', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_on_call_duty_policy_escalation_rule', '100000 100000 20 2 1'),
    ('whatsapp_logs', 'whatsapp_logs_by_on_call_duty_policy_schedule', '100000 100000 20 2 1');
