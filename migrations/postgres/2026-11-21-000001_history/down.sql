DROP TABLE message_days;
DROP TABLE message_copies;
DROP TABLE messages;
DROP FUNCTION message_content;
DROP TABLE recipients;
DROP TABLE api_keys;
DROP TABLE subjects;
DROP TABLE tenants;
