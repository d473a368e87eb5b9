-- The changes of messages in the order of the commits, for readers that follow them: which message, and the subjects that
-- it had before and after. Whether it is still there, and what it says now, is read from the messages.
CREATE TABLE message_changes (
    tenant_id BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    subject_id BIGINT,
    -- The subject before the change; null if it was the same, or there was none.
    previous_subject_id BIGINT,
    PRIMARY KEY (tenant_id, sequence)
) WITHOUT ROWID;

-- The sequence at some times, so that old changes can be deleted: a change itself has no time.
CREATE TABLE change_marks (
    tenant_id BIGINT NOT NULL,
    marked_at BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, marked_at)
) WITHOUT ROWID;

-- The sequence of the last change, which is raised under the tenant's lock.
ALTER TABLE tenant_states ADD COLUMN last_change BIGINT NOT NULL DEFAULT 0;
-- The sequence after which all changes are stored; readers that have come less far begin anew.
ALTER TABLE tenant_states ADD COLUMN changes_after BIGINT NOT NULL DEFAULT 0;
-- A random number that another store's sequence, or a restored one's, does not have.
ALTER TABLE tenant_states ADD COLUMN change_epoch BIGINT NOT NULL DEFAULT 0;
UPDATE tenant_states SET change_epoch = random();
