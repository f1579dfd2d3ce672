-- A role that runs the server without owning its tables.
--
-- The owner of the schemas applies the migrations, creates keys and binds publishers; the role of the server, with MIGRATE=off,
-- reads and writes what the application stores, and changes the log only through functions that run as the owner: it can append,
-- and, as it applies the retention, purge: from the oldest event on, up to all of them. It can neither change an event nor delete
-- one from the middle, nor drop or alter a table. It reads the hashes of keys, by which it accepts them.

alter function sse.append_events(text[], text[], json[], text[], text[], boolean)
  security definer set standard_conforming_strings = on;
alter function sse.relay(integer) security definer set standard_conforming_strings = on;
alter function sse.purge(interval, bigint, integer) security definer set standard_conforming_strings = on;
alter function sse.prepare_partitions() security definer set standard_conforming_strings = on;
alter function sse.renew_epoch() security definer set standard_conforming_strings = on;
alter function sse.discard_epoch(text) security definer set standard_conforming_strings = on;
alter function sse.end_session(text, text, timestamptz) security definer set standard_conforming_strings = on;
alter function sse.lock_queue(bigint) security definer set standard_conforming_strings = on;
alter function sse.try_lock_queue(bigint) security definer set standard_conforming_strings = on;

-- Grants a role what a server with MIGRATE=off needs, and nothing else. Tables and functions of later migrations are not
-- included: call it again after each of them. `drop owned by` takes everything back.
create function sse.allow_server(role text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  -- Tables that only functions write, which run as the owner.
  guarded constant text[] := array['head', 'log', 'epochs', 'outbox', 'mutex', 'migration', 'revocations', 'access_keys',
    'publish_grants', 'ended_sessions'];
  called constant text[] := array['append', 'append_events', 'relay', 'purge', 'prepare_partitions', 'renew_epoch',
    'discard_epoch', 'is_current', 'incarnation', 'cursor', 'position_at', 'lock_queue', 'try_lock_queue', 'end_session'];
  item text;
begin
  if to_regnamespace('sse_tasks') is null then
    raise exception 'there is no schema sse_tasks' using errcode = 'invalid_schema_name', hint = 'Run "sse-update migrate" first.';
  end if;
  -- Patterns of the role '*' must not bind what the server itself publishes. It checks that there is such a role.
  perform sse.allow_publish(role, '>');
  execute format('grant usage on schema sse, sse_tasks to %I', role);
  -- A partition is read and written through its table, but those of pg-boss also by their names.
  for item in
    select case when c.relkind = 'S' then 'usage on sequence '
                when n.nspname = 'sse' and (c.relkind = 'v' or c.relname = any (guarded)) then 'select on table '
                else 'select, insert, update, delete on table ' end || c.oid::regclass
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'sse_tasks' and c.relkind in ('r', 'p', 'v', 'S')
       or n.nspname = 'sse' and c.relkind in ('r', 'p', 'v', 'S') and not c.relispartition
    union all
    select 'execute on function ' || p.oid::regprocedure
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'sse_tasks' or n.nspname = 'sse' and p.proname = any (called)
  loop
    execute format('grant %s to %I', item, role);
  end loop;
end
$$;

comment on function sse.allow_server is 'For the owner: grants a role what a server with MIGRATE=off needs, and nothing else.';

revoke execute on function sse.allow_server from public;
