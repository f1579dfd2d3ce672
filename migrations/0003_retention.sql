-- Retention: what is older than some age, or beyond some number of events, is dropped.
--
-- Whole partitions are dropped, which takes no time and leaves nothing to vacuum. The lock that this needs is waited for
-- only briefly; if somebody reads the log for long, the next call tries again. Where a partition would take long to expire
-- as a whole (few events a day, or a small `max_events`), its oldest events are deleted instead, in small batches.

-- The first and the last position of each partition of sse.log.
create view sse.partition as
select c.relname as name, bounds.first, coalesce(lead(bounds.first) over (order by bounds.first) - 1, h.partitioned_through) as last
from sse.head h, pg_inherits i join pg_class c on c.oid = i.inhrelid,
     lateral (select substring(c.relname from '^log_(\d+)$')::bigint as first) bounds
where i.inhparent = 'sse.log'::regclass;

-- The newest position that is older than `max_age`: a search by halves, because positions and times grow together.
create function sse.position_before(max_age interval) returns bigint
language plpgsql stable set search_path = pg_catalog as $$
declare
  low     bigint;
  high    bigint;
  middle  bigint;
  is_old  boolean;
begin
  select coalesce((select min(l.position) from sse.log l), h.position + 1) - 1, h.position into low, high from sse.head h;
  while low < high loop
    middle := (low + high + 1) / 2;
    select l.time < clock_timestamp() - max_age into is_old from sse.log l where l.position = middle;
    if is_old then low := middle; else high := middle - 1; end if;
  end loop;
  return low;
end
$$;

-- Makes the next partition before it is needed, so that no publisher has to.
create function sse.prepare_partitions() returns void
language sql set search_path = pg_catalog as $$
  select sse.add_partitions(h.position) from sse.head h where h.partitioned_through - h.position < h.partition_size / 2
$$;

-- Drops one partition, or deletes one batch, of what has expired; null for no limit. The drop's lock is so held for no
-- longer than it takes. Answers how many positions went, or null when another server is doing so just
-- now. `batch` is the most that is deleted (rather than dropped) in one call.
create function sse.purge(max_age interval, max_events bigint, batch integer default 10000) returns bigint
language plpgsql set search_path = pg_catalog as $$
declare
  expired bigint := 0;
  purged  bigint := 0;
  part    record;
begin
  if not pg_try_advisory_xact_lock(hashtext('sse.purge')) then
    return null;
  end if;
  if max_age is not null then
    expired := sse.position_before(max_age);
  end if;
  if max_events is not null then
    expired := greatest(expired, (select h.position - max_events from sse.head h));
  end if;
  perform set_config('lock_timeout', '50ms', true);

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

revoke execute on function sse.position_before, sse.purge, sse.prepare_partitions from public;
