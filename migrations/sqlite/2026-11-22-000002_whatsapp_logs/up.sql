-- The rows of OneUptime's WhatsApp Log: one for each message sent out through WhatsApp, and those that were imported.
CREATE TABLE whatsapp_logs (
    tenant_id BIGINT NOT NULL,
    -- A UUID in lower case, as all ids here.
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
    -- The subject of the edna message that the row is; null where it is none.
    subject_id BIGINT,
    -- Where what it says comes from: 0 an edna message, 1 OneUptime's form, 2 an edna message that was newer than a copy
    -- in OneUptime's form, which is kept beside it.
    source INTEGER NOT NULL,
    -- Texts as searches compare them (src/model/fold.rs); null where they are the same.
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
-- Only the rows that have a value: most have none, and cost these nothing.
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

-- Copies in OneUptime's form that are older than the message whose row they are. A message's status can go back in
-- time, and then the copy is the newer one, so that the order in which they came makes no difference.
CREATE TABLE whatsapp_log_copies (
    tenant_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    log TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- How many rows of each subject and status a UTC day has, so that counting walks no rows. A row with an empty status
-- sums up all statuses, one with the least number for its subject all rows, those without a subject too.
CREATE TABLE whatsapp_log_days (
    tenant_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    status TEXT NOT NULL,
    day BIGINT NOT NULL,
    logs BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, status, day)
) WITHOUT ROWID;

-- The message up to which a tenant's messages have their rows; null where all of them have. The messages that a store
-- has already get theirs from the gateway (src/ingest/logs.rs), a batch at a time, beginning after the least number.
ALTER TABLE tenants ADD COLUMN logged_up_to BIGINT;
UPDATE tenants SET logged_up_to = -9223372036854775808;

-- What the database is to think of these indexes until somebody lets it find out by ANALYZE: it would take a tenant for a
-- handful of rows, and walk all of them where a list of ids or numbers leads to a few.
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
