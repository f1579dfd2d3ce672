-- SQL publishers are a trust boundary: a role with usage on schema sse may publish, and nothing else.
--
--   names      `set search_path = pg_catalog` alone looks in pg_temp first, where every role can make a type named json.
--              With pg_temp at the end, nothing of the caller's is found before what is meant.
--   literals   regular expressions are E'' strings: a session may turn standard_conforming_strings off.
--   rights     PUBLIC may execute sse.publish and nothing else.
--   locks      advisory locks are open to every role; rows of sse.mutex are not.

-- Rows that are locked to do something on one instance at a time. Only the owner of the schema can lock them.
create table sse.mutex (
  name text primary key
);

comment on table sse.mutex is 'Row locks: who holds the row "relay" moves the outbox, "retention" drops what has expired, "queue" changes the queue''s tables.';

insert into sse.mutex values ('relay'), ('retention'), ('queue');

-- Locks a row of sse.mutex until the transaction ends. False when another transaction holds it.
create function sse.try_lock(wanted text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform from sse.mutex m where m.name = wanted for update skip locked;
  if found then
    return true;
  end if;
  if not exists (select from sse.mutex m where m.name = wanted) then
    raise exception 'sse.mutex has no row %', quote_literal(wanted) using hint = 'Insert it again: it was deleted by hand.';
  end if;
  return false;
end
$$;

-- For pg-boss, whose advisory locks server/shop/tasks/queue.ts turns into these: one row for all of its keys.
create function sse.lock_queue(key bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select from sse.mutex m where m.name = 'queue' for update
$$;

create function sse.try_lock_queue(key bigint) returns boolean
language sql set search_path = pg_catalog, pg_temp as $$
  select sse.try_lock('queue')
$$;

-- lock_timeout counts for each lock anew. Called after each lock, this leaves the next one what is left until `deadline`.
create function sse.limit_lock_waits(deadline timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  remaining integer := 1000 * extract(epoch from deadline - clock_timestamp());
begin
  if remaining < 1 then
    raise exception 'the locks of the log were not available in time' using errcode = 'lock_not_available',
      hint = 'pg_blocking_pids() names the sessions that hold them.';
  end if;
  perform set_config('lock_timeout', remaining || 'ms', true);
end
$$;

-- Whether two JSON texts say the same, apart from white space and the order of members. What jsonb can not hold is
-- compared as text.
create function sse.is_same_json(one text, other text) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return one = other or one::jsonb = other::jsonb;
exception when data_exception or program_limit_exceeded then
  return false;
end
$$;

-- Appends events and returns their positions, in the order given. The arrays have one element an event; `keys` may be
-- null when no event has one. An event whose (channel, key) is in the log already, or earlier in the same call, is not
-- appended again: its position is that of the first. With `strict`, an event that differs from that first one in type or
-- data raises SE001 instead, and nothing is appended; the detail has a pair `event:other` for each, 1-based indexes into
-- the arrays, where `other` is the event with the same key, or 0 when that one is in the log.
--
-- The head's lock is held until the transaction ends, and every other append waits for it. All waits for locks together
-- take at most four seconds: a caller that has given up waiting leaves no append behind that happens later.
create function sse.append_events(
  channels text[], types text[], payloads json[], origins text[], keys text[], strict boolean
) returns bigint[]
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '4s' as $$
declare
  deadline  timestamptz := clock_timestamp() + interval '4s';
  n         bigint := cardinality(channels);
  now       timestamptz;
  last      bigint;
  through   bigint;
  positions bigint[];
  conflicts text;
begin
  if keys is null then
    update sse.head h set position = h.position + n, time = greatest(h.time, clock_timestamp())
    returning h.position, h.partitioned_through, h.time into last, through, now;
    perform sse.limit_lock_waits(deadline);
    positions := array(select generate_series(last - n + 1, last));
  else
    -- First the lock, then the look-up, in a statement (and so a snapshot) of its own: what the holder before us
    -- committed is seen.
    perform from sse.head for update;
    perform sse.limit_lock_waits(deadline);

    with given as (
      select e.i, e.channel, e.key,
             row_number() over (partition by e.channel, e.key order by e.i) = 1 or e.key is null as is_first
      from unnest(channels, keys) with ordinality as e (channel, key, i)
    ), known as (
      select g.*, (select l.position from sse.log l where g.key is not null and l.channel = g.channel and l.key = g.key) as position
      from given g
    ), numbered as (
      select k.*, count(*) filter (where k.is_first and k.position is null) over (order by k.i) as nth from known k
    ), placed as (
      select d.i, coalesce(d.position, (select h.position from sse.head h) + case
               when d.is_first then d.nth
               else (select o.nth from numbered o where o.is_first and o.channel = d.channel and o.key = d.key)
             end) as position,
             d.is_first and d.position is null as is_new
      from numbered d
    )
    select array_agg(p.position order by p.i), count(*) filter (where p.is_new) into positions, n from placed p;

    -- Only then is some key there twice.
    if strict and n < cardinality(channels) then
      with given as (
        select e.i, e.channel, e.type, e.data, e.key
        from unnest(channels, types, payloads, keys) with ordinality as e (channel, type, data, key, i)
        where e.key is not null
      ), first as (
        select distinct on (g.channel, g.key) g.* from given g order by g.channel, g.key, g.i
      ), compared as (
        select g.i, case when l.type is null then f.i else 0 end as other, g.type, g.data,
               coalesce(l.type, f.type) as first_type, coalesce(l.data, f.data) as first_data
        from given g join first f on f.channel = g.channel and f.key = g.key
             -- limit: looked up by the index for each event, however few rows the planner expects.
             left join lateral (
               select l.type, l.data from sse.log l where l.channel = g.channel and l.key = g.key limit 1
             ) l on true
        where l.type is not null or f.i <> g.i
      )
      select string_agg(c.i || ':' || c.other, ' ' order by c.i) into conflicts from compared c
      where c.type <> c.first_type or not sse.is_same_json(c.data::text, c.first_data::text);
      if conflicts is not null then
        raise exception 'an idempotency key was used for another event' using errcode = 'SE001', detail = conflicts;
      end if;
    end if;

    if n = 0 then
      return positions;
    end if;
    update sse.head h set position = h.position + n, time = greatest(h.time, clock_timestamp())
    returning h.position, h.partitioned_through, h.time into last, through, now;
  end if;

  if last > through then
    perform sse.add_partitions(last);
    perform sse.limit_lock_waits(deadline);
  end if;

  -- distinct on: of several events with one new key, the first is the one appended.
  insert into sse.log (position, channel, type, data, bytes, time, origin, key)
  select distinct on (e.position)
         e.position, e.channel, e.type, e.data, octet_length(e.data::text), now, e.origin, e.key
  from unnest(positions, channels, types, payloads, origins, keys) with ordinality
         as e (position, channel, type, data, origin, key, i)
  where e.position > last - n
  order by e.position, e.i;

  perform pg_notify('sse_log', last::text);
  return positions;
end
$$;

comment on function sse.append_events is 'For the server: appends to the log under the head''s lock. Applications call sse.publish.';

-- What the relay calls, and versions of the server before this migration: of two events with one key, the first is kept.
create or replace function sse.append(channels text[], types text[], payloads json[], origins text[], keys text[])
returns bigint[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return sse.append_events(channels, types, payloads, origins, keys, strict => false);
end
$$;

comment on function sse.append is 'For the server: sse.append_events, not strict.';

-- The lock on sse.log that a new partition needs is waited for briefly: meanwhile the head is locked, and nothing can be
-- appended.
alter function sse.add_partitions set search_path = pg_catalog, pg_temp;
alter function sse.add_partitions set lock_timeout = '1s';
alter function sse.prepare_partitions set search_path = pg_catalog, pg_temp;
alter function sse.prepare_partitions set lock_timeout = '1s';
alter function sse.position_before set search_path = pg_catalog, pg_temp;

-- Publishes an event when the surrounding transaction commits; after a rollback it never existed.
--
--   channel  1 to 16 dot-separated tokens: 'orders.alice.17'; no spaces, '*' or '>'; up to 255 characters
--   type     'order.paid'; up to 255 characters; not one of the stream's own
--   data     any JSON, up to 1 MiB
--   key      idempotency key: an event with a (channel, key) that the log holds is not published again. The transaction is
--            long over when the log finds that out, so it is dropped without a word, whatever its type and data
--   origin   X-Client-Id of the page on whose behalf this happens; its own streams leave the event out
--
-- None of channel, type, key and origin may hold control characters (C0, DEL, C1), line or paragraph separators, or
-- characters that change the direction of writing: whoever reads them may be a terminal.
--
-- The event reaches the log within OUTBOX_POLL_MS (50 ms); after `notify sse_outbox` in the same transaction, at once.
-- A role needs `usage` on schema sse to call it, and nothing else.
create or replace function sse.publish(channel text, type text, data text default 'null', key text default null, origin text default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
declare
  -- The same characters as in server/protocol/characters.ts.
  unsafe constant text := E'[\\u0001-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]';
  -- One search through all of them: each costs more than all other checks.
  is_unsafe constant boolean := concat(channel, type, key, origin) ~ unsafe;
  tokens constant text[] := string_to_array(channel, '.');
begin
  if channel is null or length(channel) > 255 or channel = '' or '' = any (tokens) or channel ~ '[ *>]'
     or is_unsafe and channel ~ unsafe then
    raise exception 'channel % is not valid', quote_nullable(regexp_replace(left(channel, 80), unsafe, '?', 'g'))
      using errcode = 'invalid_parameter_value',
      hint = 'A channel is dot-separated tokens such as orders.alice.17, without spaces, control characters, * or >.';
  end if;
  if cardinality(tokens) > 16 then
    raise exception 'channel has % tokens, more than 16', cardinality(tokens) using errcode = 'invalid_parameter_value',
      hint = 'A channel is 1 to 16 dot-separated tokens such as orders.alice.17.';
  end if;
  if type is null or length(type) not between 1 and 255 or is_unsafe and type ~ unsafe then
    raise exception 'type % is not valid', quote_nullable(regexp_replace(left(type, 80), unsafe, '?', 'g'))
      using errcode = 'invalid_parameter_value',
      hint = 'A type is 1 to 255 characters without control characters, such as order.paid.';
  end if;
  if type in ('ready', 'gap', 'heartbeat', 'closing', 'open', 'error') then
    raise exception 'type % is reserved', quote_literal(type) using errcode = 'invalid_parameter_value',
      hint = 'The stream itself uses ready, gap, heartbeat, closing, open and error. Choose another type.';
  end if;
  if octet_length(data) > 1048576 then
    raise exception 'data has % bytes, more than 1048576', octet_length(data) using errcode = 'program_limit_exceeded',
      hint = 'Publish a reference to large data, not the data.';
  end if;
  if length(key) not between 1 and 255 or is_unsafe and key ~ unsafe then
    raise exception 'key is not valid' using errcode = 'invalid_parameter_value',
      hint = 'A key is 1 to 255 characters without control characters.';
  end if;
  if length(origin) not between 1 and 255 or is_unsafe and origin ~ unsafe then
    raise exception 'origin is not valid' using errcode = 'invalid_parameter_value',
      hint = 'An origin is 1 to 255 characters without control characters.';
  end if;
  data := coalesce(data, 'null');
  insert into sse.outbox (channel, type, data, bytes, key, origin)
  values (publish.channel, publish.type, publish.data::json, octet_length(publish.data), publish.key, publish.origin);
end
$$;

alter function sse.publish(text, text, json, text, text) set search_path = pg_catalog, pg_temp;
alter function sse.publish(text, text, jsonb, text, text) set search_path = pg_catalog, pg_temp;

-- Moves committed rows from the outbox into the log, the oldest `batch` or about 4 MiB of them, and returns how many; null
-- when another server is doing so at the moment. The data is not parsed again: what sse.publish took can be moved.
--
-- A row that another session has locked is left for later, and with it all later rows of its channel: the order within a
-- channel is kept, and the other channels go on.
--
-- enable_seqscan: the outbox is empty most of the time, and a plan made then would scan all of a backlog for each batch.
create or replace function sse.relay(batch integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set lock_timeout = '4s' as $$
declare
  waiting  bigint[];
  free     bigint[];
  -- Channels whose oldest event is locked.
  held     text[] := '{}';
  channels text[];
  types    text[];
  payloads json[];
  origins  text[];
  keys     text[];
begin
  -- A row lock is written to disk, an empty outbox is not.
  if not exists (select from sse.outbox) then
    return 0;
  end if;
  if not sse.try_lock('relay') then
    return null;
  end if;
  -- Each round leaves out the channels that the one before found locked. What is behind more than that waits.
  for round in 1 .. 10 loop
    waiting := array(
      select f.id
      from (
        select o.id, o.bytes, sum(o.bytes) over (order by o.id) as total
        from (
          select o.id, o.bytes from sse.outbox o where o.channel <> all (held) order by o.id limit batch
        ) o
      ) f
      where f.total - f.bytes < 4194304
    );
    free := array(select o.id from sse.outbox o where o.id = any (waiting) order by o.id for update skip locked);
    if cardinality(free) < cardinality(waiting) then
      held := held || array(
        select distinct o.channel from sse.outbox o where o.id = any (waiting) and o.id <> all (free)
      );
      free := array(select o.id from sse.outbox o where o.id = any (free) and o.channel <> all (held));
    end if;
    exit when free <> '{}' or waiting = '{}';
  end loop;

  with moved as (
    delete from sse.outbox where id = any (free) returning *
  )
  select array_agg(m.channel order by m.id), array_agg(m.type order by m.id), array_agg(m.data order by m.id),
         array_agg(m.origin order by m.id), array_agg(m.key order by m.id)
  into channels, types, payloads, origins, keys
  from moved m;
  if channels is null then
    return 0;
  end if;
  perform sse.append(channels, types, payloads, origins, case when array_remove(keys, null) <> '{}' then keys end);
  return cardinality(channels);
end
$$;

-- Drops one partition, or deletes one batch, of what has expired; null for no limit. The drop's lock is so held for no
-- longer than it takes. Returns how many positions went, or null when another server is doing so at the moment. `batch` is
-- the most that is deleted (rather than dropped) in one call.
create or replace function sse.purge(max_age interval, max_events bigint, batch integer default 10000) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '50ms' as $$
declare
  expired bigint := 0;
  purged  bigint := 0;
  part    record;
begin
  if not sse.try_lock('retention') then
    return null;
  end if;
  if max_age is not null then
    expired := sse.position_before(max_age);
  end if;
  if max_events is not null then
    expired := greatest(expired, (select h.position - max_events from sse.head h));
  end if;

  select * into part from sse.partition p where p.first <= expired order by p.first limit 1;
  if part.last <= expired then
    begin
      execute format('drop table sse.%I', part.name);
      return part.last - part.first + 1;
    exception when lock_not_available then
      return 0;
    end;
  end if;
  if part.last - part.first >= max_events
     or (select l.time from sse.log l order by l.position limit 1) < clock_timestamp() - max_age * 1.25 then
    -- A fifth over its time already, and the partition is not full: it won't go soon.
    delete from sse.log l
    where l.position in (
      select d.position from sse.log d where d.position <= expired order by d.position limit batch
    );
    get diagnostics purged = row_count;
  end if;
  return purged;
end
$$;

-- Whoever may delete an order needs no right on sse.deleted_keys. A trigger on any other table is refused: its `key` might
-- be of a type whose conversion to text is a function of that table's owner.
create or replace function sse.keep_key() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
begin
  if tg_relid not in ('sse.orders'::regclass, 'sse.tasks'::regclass, 'sse.notifications'::regclass) then
    raise exception 'sse.keep_key is for the tables of sse only' using errcode = 'insufficient_privilege';
  end if;
  delete from sse.deleted_keys where deleted_at < clock_timestamp() - interval '7 days';
  insert into sse.deleted_keys (key) values (tg_table_name || ':' || old.key) on conflict (key) do nothing;
  return old;
end $$;

revoke execute on function sse.keep_key, sse.try_lock, sse.lock_queue, sse.try_lock_queue, sse.limit_lock_waits,
  sse.is_same_json, sse.append_events from public;

-- Tokens of channels, as sse.publish has them. Not valid: rows that are there already are not checked.
alter table sse.orders add constraint orders_customer_is_safe
  check (customer !~ E'[\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]') not valid;
alter table sse.tasks add constraint tasks_owner_is_safe
  check (owner !~ E'[\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]') not valid;
alter table sse.notification_deliveries add constraint notification_deliveries_person_is_safe
  check (person !~ E'[\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]') not valid;
