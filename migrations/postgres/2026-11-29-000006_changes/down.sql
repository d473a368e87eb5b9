ALTER TABLE tenant_states DROP COLUMN last_change;
ALTER TABLE tenant_states DROP COLUMN changes_after;
ALTER TABLE tenant_states DROP COLUMN change_epoch;
DROP TABLE change_marks;
DROP TABLE message_changes;
