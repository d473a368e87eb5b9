-- On PostgreSQL, the columns are added in place, and no message has to move.
SELECT 1;
