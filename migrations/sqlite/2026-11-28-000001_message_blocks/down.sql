DROP TABLE message_block_changes;
DROP TABLE message_block_columns;
DROP TABLE message_blocks;
DELETE FROM sqlite_stat1 WHERE tbl IN ('message_blocks', 'message_block_columns', 'message_block_changes');
