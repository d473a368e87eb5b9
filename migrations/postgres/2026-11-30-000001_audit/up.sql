-- The audit log: who has read what. Rows are only ever added; each has a hash of itself and the row before.
CREATE TABLE audit_entries (
    tenant_id BIGINT NOT NULL,
    -- From 1, without gaps.
    sequence BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    -- The user of the console whose records these are; null for those of API keys and commands.
    user_id BIGINT,
    -- A JSON array.
    records TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, sequence)
);
CREATE INDEX audit_entries_by_user ON audit_entries (tenant_id, user_id, sequence) WHERE user_id IS NOT NULL;
CREATE INDEX audit_entries_by_time ON audit_entries (tenant_id, recorded_at);

-- The last entry of each tenant. A writer locks this row before it adds one.
CREATE TABLE audit_heads (
    tenant_id BIGINT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

-- Whose addresses a session shows unmasked, and until when.
CREATE TABLE reveals (
    -- SHA-256 of the session's token.
    session_digest BYTEA NOT NULL,
    tenant_id BIGINT NOT NULL,
    recipient_id BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, session_digest, recipient_id)
);
