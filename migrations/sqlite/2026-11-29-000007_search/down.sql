DROP TABLE search_states;
