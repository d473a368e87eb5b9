DROP TABLE pulls;
