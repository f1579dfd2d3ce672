-- The ordered event log.
--
-- sse.head holds the last position. Whoever appends takes its row lock, so appends happen one after the other, positions
-- are dense (1, 2, 3, … without holes, even after a rollback) and become visible in their order: a reader whose cursor
-- is n has missed nothing when the next event it reads is n + 1.

create table sse.head (
  only_row            boolean primary key default true check (only_row),
  position            bigint not null default 0,
  -- The last position for which a partition of sse.log exists.
  partitioned_through bigint not null default 0,
  -- Positions of the next partition. Retention drops whole partitions.
  partition_size      bigint not null default 1000000 check (partition_size > 0),
  -- Of the newest event. Times in the log never go back, even where the clock does: retention relies on it.
  time                timestamptz not null default '-infinity'
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

comment on table sse.head is 'One row: the position of the newest event. Its row lock is what orders the log.';

insert into sse.head default values;

-- json, not jsonb: the text is kept as it was published.
create table sse.log (
  position bigint not null primary key,
  channel  text not null,
  type     text not null,
  data     json not null,
  -- Length of data, so that a page can be cut by size without reading what lies behind the cut.
  bytes    integer not null,
  time     timestamptz not null,
  origin   text,
  key      text
) partition by range (position);

comment on table  sse.log          is 'Every event, in order. Written by sse.append alone; read it freely.';
comment on column sse.log.position is 'Dense and in commit order; the id of the event on a stream.';
comment on column sse.log.origin   is 'X-Client-Id of the page that caused the event; its own streams leave it out.';
comment on column sse.log.key      is 'Idempotency key, unique within its channel for as long as the event is kept.';

-- Uniqueness is not enforced here (a partition knows only its own rows) but by sse.append, which looks keys up under
-- the head's lock.
create index log_key on sse.log (channel, key) where key is not null;

-- Creates partitions until one follows that of `through`. A table that is attached (rather than created as a partition)
-- does not block those who read or write the log meanwhile.
create function sse.add_partitions(through bigint) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  first bigint;
  size  bigint;
  name  text;
begin
  select h.partitioned_through + 1, h.partition_size into strict first, size from sse.head h for update;
  while first <= through + size loop
    name := format('log_%s', first);
    execute format('create table sse.%I (like sse.log including defaults)', name);
    execute format('alter table sse.log attach partition sse.%I for values from (%s) to (%s)', name, first, first + size);
    first := first + size;
  end loop;
  update sse.head set partitioned_through = first - 1;
end
$$;

select sse.add_partitions(1);

-- Appends events and answers their positions, in the order given. The arrays have one element an event; `keys` may be
-- null when no event has one. An event whose (channel, key) is in the log already, or earlier in the same call, is not
-- appended again: it answers the position of the first.
--
-- Keep the transaction short: it holds the lock that every other append waits for. Inside a transaction of an
-- application, use sse.publish.
--
-- lock_timeout: whoever has given up waiting for an answer must not leave an append behind that waits on.
create function sse.append(channels text[], types text[], payloads json[], origins text[], keys text[])
returns bigint[]
language plpgsql set search_path = pg_catalog set lock_timeout = '4s' as $$
declare
  n         bigint := cardinality(channels);
  now       timestamptz;
  last      bigint;
  through   bigint;
  positions bigint[];
begin
  if keys is null then
    update sse.head h set position = h.position + n, time = greatest(h.time, clock_timestamp())
    returning h.position, h.partitioned_through, h.time into last, through, now;
    positions := array(select generate_series(last - n + 1, last));
  else
    -- First the lock, then the look-up, in a statement (and so a snapshot) of its own: what the holder before us
    -- committed is seen.
    perform from sse.head for update;
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

    if n = 0 then
      return positions;
    end if;
    update sse.head h set position = h.position + n, time = greatest(h.time, clock_timestamp())
    returning h.position, h.partitioned_through, h.time into last, through, now;
  end if;

  if last > through then
    perform sse.add_partitions(last);
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

comment on function sse.append is 'For the server: appends to the log under the head''s lock. Applications call sse.publish.';
