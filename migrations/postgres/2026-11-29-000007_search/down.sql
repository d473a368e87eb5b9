DROP TABLE search_ranges;
DROP TABLE message_terms;
DROP TABLE search_states;
