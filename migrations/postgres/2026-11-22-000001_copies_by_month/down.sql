DROP TABLE message_copies;
CREATE TABLE message_copies (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    place INTEGER NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, message_id, place)
);
