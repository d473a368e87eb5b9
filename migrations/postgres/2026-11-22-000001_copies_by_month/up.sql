-- Adds the time at which the message was sent or received, so that its copies are dropped with its month. The table can
-- be recreated, because no store on a server had copies yet.
DROP TABLE message_copies;
CREATE TABLE message_copies (
    tenant_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    place INTEGER NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    sent_or_received_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, message_id, place, sent_or_received_at)
) PARTITION BY RANGE (sent_or_received_at);

-- 1262304000000 is 2010-01-01, 2840140800000 is 2060-01-01.
CREATE TABLE message_copies_before_2010 PARTITION OF message_copies FOR VALUES FROM (MINVALUE) TO (1262304000000);
CREATE TABLE message_copies_from_2060 PARTITION OF message_copies FOR VALUES FROM (2840140800000) TO (MAXVALUE);
