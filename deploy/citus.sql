-- Distributes a history-gateway store over a Citus cluster by tenant (docs/servers.md, "Sharding"). Tried with Citus
-- 13.2.2 on PostgreSQL 15.
--
-- Before: CREATE EXTENSION citus in the database on every node; on the coordinator citus_set_coordinator_host and
-- citus_add_node; then `history-gateway migrate`. Every node needs wal_level = logical (to move shards while they are
-- written), max_prepared_transactions >= max_connections and max_locks_per_transaction >= 256.
--
-- Run it once, on the coordinator, as the role that owns the tables: psql -f citus.sql postgres://…
\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Each month's table has as many shards.
SET citus.shard_count = 32;

-- Unique over all tenants, and looked up by a digest or a login: on the coordinator, so that keys work while a worker is
-- away.
-- Known to Citus, so that a transaction that also writes on a worker is committed in two phases.
SELECT citus_add_local_table_to_metadata('tenants');
SELECT citus_add_local_table_to_metadata('api_keys');
SELECT citus_add_local_table_to_metadata('users');
SELECT citus_add_local_table_to_metadata('sessions');

-- Everything else of a tenant is on one worker: statements are passed on whole, and its writers lock its row there.
SELECT create_distributed_table('messages', 'tenant_id', colocate_with => 'none');
SELECT create_distributed_table(name, 'tenant_id', colocate_with => 'messages') FROM unnest(ARRAY[
    'tenant_states', 'message_copies', 'message_days', 'message_blocks', 'message_block_columns',
    'message_block_changes', 'recipients', 'subjects', 'whatsapp_logs', 'whatsapp_log_copies', 'whatsapp_log_days',
    'status_events', 'waiting_messages', 'other_events', 'pulls', 'message_changes', 'change_marks',
    'search_states', 'message_terms', 'search_ranges', 'audit_entries', 'audit_heads', 'reveals'
]) WITH ORDINALITY AS list (name, place) ORDER BY place;
SELECT create_distributed_function('message_value(text, text)');

-- What a gateway sets for its sessions does not reach the workers; what belongs to the role does.
SET citus.enable_alter_role_set_propagation = on;
SELECT quote_ident(current_user) AS role \gset
-- A search sets enable_bitmapscan for one statement.
ALTER ROLE :role SET citus.propagate_set_commands = 'local';
ALTER ROLE :role SET synchronous_commit = on;
ALTER ROLE :role SET jit = off;
ALTER ROLE :role SET enable_seqscan = off;
ALTER ROLE :role SET enable_bitmapscan = off;
ALTER ROLE :role SET enable_sort = off;
ALTER ROLE :role SET enable_hashjoin = off;
ALTER ROLE :role SET enable_mergejoin = off;
