DROP TABLE message_block_changes;
DROP TABLE message_block_columns;
DROP TABLE message_blocks;
