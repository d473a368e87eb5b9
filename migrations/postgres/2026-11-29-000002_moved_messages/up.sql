-- On PostgreSQL, the columns are dropped in place, and no message has to move.
SELECT 1;
