-- Blocks of some thousand consecutive message ids, and for each the values of its messages by property, in the order of
-- the ids. Filters, sorts and offsets read these instead of the messages. The gateway creates blocks in the background;
-- where there is none, it reads the messages.
CREATE TABLE message_blocks (
    tenant_id BIGINT NOT NULL,
    first_id BIGINT NOT NULL,
    last_id BIGINT NOT NULL,
    -- 0 to be built, 1 being built, 2 built.
    state INTEGER NOT NULL,
    -- Identifies the build in progress, so that a builder notices that another one has begun after it.
    build_id BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    -- How many bytes their items have.
    bytes BIGINT NOT NULL,
    -- The times at which its first and its last message were sent or received.
    earliest BIGINT NOT NULL,
    latest BIGINT NOT NULL,
    -- The combinations of channel type, direction and traffic type that occur, and how often.
    kinds BYTEA NOT NULL,
    -- At least as many as message_block_changes contains of its ids.
    changes BIGINT NOT NULL,
    -- The partitions that its messages were read from, by their object ids.
    partitions TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, last_id)
);

-- A property that no message of a block has needs no row.
CREATE TABLE message_block_columns (
    tenant_id BIGINT NOT NULL,
    property TEXT COLLATE "C" NOT NULL,
    last_id BIGINT NOT NULL,
    -- The least and the greatest value, if they are numbers or times.
    least BIGINT,
    greatest BIGINT,
    data BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, property, last_id)
);

-- The messages of built blocks that were written since. What a block says of them does not count.
CREATE TABLE message_block_changes (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, message_id)
);
