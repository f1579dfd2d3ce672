-- An append that reports what a follower of the log would read back.
--
-- The instance that appends knows the events and their positions. With the epoch, the time and the event before them it can deliver them
-- without a read, and still notice, as a read does, that the log was replaced.

-- position_before: the positions after it, up to the greatest in `positions`, were appended by this call; null when none were, because
-- all keys were in the log. time_before: when the event at position_before entered the log; null when it is not there.
create function sse.append_logged(
  channels text[], types text[], payloads json[], origins text[], keys text[], strict boolean,
  out positions bigint[], out epoch text, out appended_at timestamptz, out position_before bigint, out time_before timestamptz
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on set lock_timeout = '4s' as $$
declare
  last bigint;
  before bigint;
begin
  if keys is not null then
    -- The lock that sse.append_events takes first.
    select h.position into before from sse.head h for update;
  end if;
  positions := sse.append_events(channels, types, payloads, origins, keys, strict);
  -- The row is locked by now.
  select h.position, h.epoch, h.time into last, epoch, appended_at from sse.head h;
  if keys is null then
    position_before := positions[1] - 1;
  elsif last > before then
    position_before := before;
  end if;
  select l.time into time_before from sse.log l where l.position = position_before;
end
$$;

comment on function sse.append_logged is 'sse.append_events, with the epoch, the time and the event before: for an instance that delivers what it has appended.';

-- As in 0025_server_role.sql, with the function above.
create or replace function sse.allow_server(role text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  -- Tables that only functions write, which run as the owner.
  guarded constant text[] := array['head', 'log', 'epochs', 'outbox', 'mutex', 'migration', 'revocations', 'access_keys',
    'publish_grants', 'ended_sessions'];
  called constant text[] := array['append', 'append_events', 'append_logged', 'relay', 'purge', 'prepare_partitions', 'renew_epoch',
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

revoke execute on function sse.append_logged from public;
