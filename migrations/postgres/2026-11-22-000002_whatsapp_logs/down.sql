ALTER TABLE tenants DROP COLUMN logged_up_to;
DROP TABLE whatsapp_log_days;
DROP TABLE whatsapp_log_copies;
DROP TABLE whatsapp_logs;
