-- Epochs: a cursor says in which history of the log it was given.
--
-- Positions alone do not identify events: after a backup was restored, the same positions are given to other events. So the
-- log has an epoch at any time, a random text, and starts another one when it may have been restored or set back. A cursor
-- is a position and the epoch in which it was given (`42-k3f9x2`).
--
-- sse.epochs remembers for each earlier epoch the last position up to which its events are those of the present log. A cursor
-- of an earlier epoch is valid up to there. After a restart or a clean promotion that is the position at which the epoch
-- ended, so no client misses anything; after a restore, clients that have read further than the backup are behind it.

alter table sse.head
  add column epoch       text,
  -- What identified the server and the table when the epoch started, see sse.incarnation.
  add column incarnation text;

create table sse.epochs (
  epoch          text primary key,
  -- Cursors of the epoch are valid up to and including this position. It can only become less.
  shared_through bigint not null,
  ended_at       timestamptz not null default clock_timestamp()
);

comment on table  sse.epochs                is 'Earlier epochs of the log, the latest 1,000. Written by sse.start_epoch alone.';
comment on column sse.epochs.shared_through is 'The last position up to which the epoch and the present log have the same events.';
comment on column sse.head.epoch            is 'The present epoch; every cursor that is given ends with it.';
comment on column sse.head.incarnation      is 'sse.incarnation() when the epoch started: where it differs, the log is a copy or the server was restarted.';

-- What identifies the server and the table that hold the log: when the server was started, to the microsecond, and the file of
-- sse.head, which holds the oids of the database and the table. So it differs after a restart, on a promoted standby (whose
-- server was started at another time than its primary's), in a server that was recovered from a base backup or a copy of its
-- files, and in a table that pg_restore made, in this database or another one. Both are in memory, and on every kind of server.
--
-- It may differ more often than needed, such as after `vacuum full sse.head`: an epoch more does no harm.
create function sse.incarnation() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select concat_ws(' ', extract(epoch from pg_postmaster_start_time()), pg_relation_filepath('sse.head'::regclass))
$$;

-- Whether an epoch that started in this incarnation is still the present one. A standby follows its primary, in the
-- primary's epoch, until it is promoted.
create function sse.is_current(incarnation text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return pg_is_in_recovery() or incarnation is not distinct from sse.incarnation();
end
$$;

-- Six random characters of 0-9 and a-z that no known epoch has.
create function sse.new_epoch() returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  random bytea;
  fresh  text;
begin
  loop
    random := uuid_send(gen_random_uuid());
    select string_agg(substr('0123456789abcdefghijklmnopqrstuvwxyz', get_byte(random, i) % 36 + 1, 1), '' order by i)
    into fresh from generate_series(0, 5) i;
    if not exists (select from sse.epochs e where e.epoch = fresh)
       and not exists (select from sse.head h where h.epoch = fresh) then
      return fresh;
    end if;
  end loop;
end
$$;

-- Ends the present epoch and starts another one. The caller has locked the head. Cursors of all earlier epochs are valid up to
-- `shared` at most: the events behind it are not in this log.
create function sse.start_epoch(shared bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update sse.epochs e set shared_through = shared where e.shared_through > shared;
  insert into sse.epochs (epoch, shared_through) select h.epoch, shared from sse.head h
  on conflict (epoch) do update set shared_through = least(epochs.shared_through, excluded.shared_through);
  delete from sse.epochs e
  where e.epoch in (select o.epoch from sse.epochs o order by o.ended_at desc, o.epoch offset 1000);
  update sse.head set epoch = sse.new_epoch(), incarnation = sse.incarnation();
end
$$;

-- Starts an epoch if the log runs in another incarnation than its epoch started in. What is in the log now was written
-- before, so cursors up to its head stay valid.
create function sse.renew_epoch() returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '4s' as $$
declare
  head bigint;
begin
  select h.position into head from sse.head h where not sse.is_current(h.incarnation) for update;
  if found then
    perform sse.start_epoch(head);
  end if;
end
$$;

-- Starts an epoch in which no earlier cursor is valid, if the present one is still `discarded`: a reader has found that the log
-- is another one although nothing else shows it.
create function sse.discard_epoch(discarded text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '4s' as $$
begin
  perform from sse.head h where h.epoch = discarded for update;
  if found then
    perform sse.start_epoch(0);
  end if;
end
$$;

-- The cursor after the newest event, in the form that streams and pages of history take.
create function sse.cursor() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select h.position || '-' || h.epoch from sse.head h
$$;

comment on function sse.cursor is 'The cursor after the newest event: read it with your state, and stream from there.';

update sse.head set epoch = sse.new_epoch(), incarnation = sse.incarnation();
alter table sse.head alter column epoch set not null;

-- The head was set back by hand: the events behind it are gone.
create function sse.follow_head() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform sse.start_epoch(new.position);
  return null;
end
$$;

-- A row that is inserted is new or comes from a copy (pg_restore --data-only). The epoch that it brings ends where the copy
-- ends; the one that was here before is not known any more, and no cursor of it is valid.
create function sse.begin_head() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update sse.epochs e set shared_through = new.position where e.shared_through > new.position;
  if new.epoch is not null then
    insert into sse.epochs (epoch, shared_through) values (new.epoch, new.position)
    on conflict (epoch) do update set shared_through = least(epochs.shared_through, excluded.shared_through);
  end if;
  new.epoch := sse.new_epoch();
  new.incarnation := sse.incarnation();
  return new;
end
$$;

-- After, and not before: a trigger before an update locks the row once more, which every append would pay for.
create trigger follow_head after update on sse.head for each row
  when (new.position < old.position) execute function sse.follow_head();
create trigger begin_head before insert on sse.head for each row execute function sse.begin_head();
-- Also where session_replication_role is replica.
alter table sse.head enable always trigger follow_head;
alter table sse.head enable always trigger begin_head;

-- Appends events and returns their positions, in the order given. The arrays have one element an event; `keys` may be
-- null when no event has one. An event whose (channel, key) is in the log already, or earlier in the same call, is not
-- appended again: its position is that of the first. With `strict`, an event that differs from that first one in type or
-- data raises SE001 instead, and nothing is appended; the detail has a pair `event:other` for each, 1-based indexes into
-- the arrays, where `other` is the event with the same key, or 0 when that one is in the log.
--
-- The head's lock is held until the transaction ends, and every other append waits for it. All waits for locks together
-- take at most four seconds: a caller that has given up waiting leaves no append behind that happens later.
create or replace function sse.append_events(
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
  incarnation text;
begin
  if keys is null then
    update sse.head h set position = h.position + n, time = greatest(h.time, clock_timestamp())
    returning h.position, h.partitioned_through, h.time, h.incarnation into last, through, now, incarnation;
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
    returning h.position, h.partitioned_through, h.time, h.incarnation into last, through, now, incarnation;
  end if;

  -- Nothing is appended to a restored log under the epoch that it was copied in. The expression of sse.incarnation, written out:
  -- a call would cost every append about 20 µs.
  if incarnation is distinct from
     concat_ws(' ', extract(epoch from pg_postmaster_start_time()), pg_relation_filepath('sse.head'::regclass)) then
    if last is null then
      raise exception 'sse.head is empty' using errcode = 'SE002', hint = 'Restore the database from a backup, or insert the row '
        'again (position: that of the newest event in sse.log; partitioned_through: the last position of its partitions).';
    end if;
    perform sse.start_epoch(last - n);
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

-- The first position whose event entered the log at or after a time, by halving: times grow with positions. Head + 1 when there
-- is none.
create function sse.position_at(at timestamptz) returns bigint
language plpgsql stable strict set search_path = pg_catalog, pg_temp as $$
declare
  low       bigint;
  high      bigint;
  middle    bigint;
  is_before boolean;
begin
  select coalesce((select min(l.position) from sse.log l), h.position + 1), h.position + 1 into low, high from sse.head h;
  while low < high loop
    middle := (low + high) / 2;
    select l.time < at into is_before from sse.log l where l.position >= middle order by l.position limit 1;
    if is_before then low := middle + 1; else high := middle; end if;
  end loop;
  return low;
end
$$;

revoke execute on function sse.position_at, sse.incarnation, sse.is_current, sse.new_epoch, sse.start_epoch, sse.renew_epoch, sse.discard_epoch,
  sse.cursor, sse.follow_head, sse.begin_head from public;
