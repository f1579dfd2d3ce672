-- Publishing from SQL, inside the transaction that changes the data.
--
-- Taking the head's lock in somebody's transaction would make their commits wait for each other. So sse.publish only
-- inserts here, and a server (one at a time) moves committed rows into the log.

create table sse.outbox (
  id         bigint generated always as identity primary key,
  channel    text not null,
  type       text not null,
  data       json not null,
  bytes      integer not null,
  origin     text,
  key        text,
  created_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

comment on table sse.outbox is 'Events published from SQL that are not in the log yet. Written by sse.publish alone.';

-- Publishes an event when the surrounding transaction commits; after a rollback it never existed.
--
--   channel  dot-separated tokens: 'orders.alice.17'; no spaces, control characters, '*' or '>'; up to 255 characters
--   type     'order.paid'; no control characters; up to 255 characters; not one of the stream's own
--   data     any JSON, up to 1 MiB
--   key      idempotency key: an event with a (channel, key) that the log holds is not published again
--   origin   X-Client-Id of the page on whose behalf this happens; its own streams leave the event out
--
-- The event reaches the log within OUTBOX_POLL_MS (50 ms); after `notify sse_outbox` in the same transaction, at once.
-- A role needs `usage` on schema sse to call it, and nothing else.
create function sse.publish(channel text, type text, data text default 'null', key text default null, origin text default null)
returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
  if channel is null or length(channel) > 255 or channel !~ '^[^\u0001-\u0020\u007f.*>]+(\.[^\u0001-\u0020\u007f.*>]+)*$' then
    raise exception 'channel % is not valid', quote_nullable(left(channel, 80)) using errcode = 'invalid_parameter_value',
      hint = 'A channel is dot-separated tokens such as orders.alice.17, without spaces, control characters, * or >.';
  end if;
  if type is null or length(type) not between 1 and 255 or type ~ '[\u0001-\u001f\u007f-\u009f]' then
    raise exception 'type % is not valid', quote_nullable(left(type, 80)) using errcode = 'invalid_parameter_value',
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
  if length(key) not between 1 and 255 or key ~ '[\u0001-\u001f\u007f-\u009f]' then
    raise exception 'key is not valid' using errcode = 'invalid_parameter_value',
      hint = 'A key is 1 to 255 characters without control characters.';
  end if;
  if length(origin) not between 1 and 255 or origin ~ '[\u0001-\u001f\u007f-\u009f]' then
    raise exception 'origin is not valid' using errcode = 'invalid_parameter_value',
      hint = 'An origin is 1 to 255 characters without control characters.';
  end if;
  data := coalesce(data, 'null');
  insert into sse.outbox (channel, type, data, bytes, key, origin)
  values (publish.channel, publish.type, publish.data::json, octet_length(publish.data), publish.key, publish.origin);
end
$$;

create function sse.publish(channel text, type text, data json, key text default null, origin text default null)
returns void
language sql set search_path = pg_catalog as $$
  select sse.publish(channel, type, data::text, key, origin)
$$;

create function sse.publish(channel text, type text, data jsonb, key text default null, origin text default null)
returns void
language sql set search_path = pg_catalog as $$
  select sse.publish(channel, type, data::text, key, origin)
$$;

-- Moves committed rows from the outbox into the log, the oldest `batch` or about 4 MiB of them, and answers how many; null
-- when another server is doing so just now. The data is not parsed again: what sse.publish took can be moved.
--
-- enable_seqscan: the outbox is empty most of the time, and a plan made then would scan all of a backlog for each batch.
create function sse.relay(batch integer) returns integer
language plpgsql set search_path = pg_catalog set enable_seqscan = off as $$
declare
  channels text[];
  types    text[];
  payloads json[];
  origins  text[];
  keys     text[];
begin
  if not pg_try_advisory_xact_lock(hashtext('sse.relay')) then
    return null;
  end if;
  with moved as (
    delete from sse.outbox where id = any (array(
      select f.id
      from (
        select o.id, o.bytes, sum(o.bytes) over (order by o.id) as total
        from (select id, bytes from sse.outbox order by id limit batch) o
      ) f
      where f.total - f.bytes < 4194304
    )) returning *
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

revoke execute on function sse.append, sse.relay, sse.add_partitions from public;
