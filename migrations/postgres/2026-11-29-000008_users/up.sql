-- The people who use the console.
CREATE TABLE users (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    -- The name that a user signs in with, in lower case. It also tells the tenant, so it is unique over all of them.
    login TEXT COLLATE "C" NOT NULL UNIQUE,
    -- viewer, agent, auditor or admin.
    role TEXT COLLATE "C" NOT NULL,
    -- A JSON array of the subjects whose messages the user sees; null for all.
    senders TEXT COLLATE "C",
    -- The Argon2id hash of the password as a PHC string.
    password_hash TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    password_set_at BIGINT NOT NULL,
    disabled_at BIGINT
);
CREATE INDEX users_by_tenant ON users (tenant_id);

-- The sessions of users who are signed in. One that has expired is deleted when its user signs in again.
CREATE TABLE sessions (
    -- SHA-256 of the token in the user's cookie; the token itself is not stored.
    digest BYTEA NOT NULL PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
