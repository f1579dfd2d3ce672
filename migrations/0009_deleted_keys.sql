-- Idempotency keys outlive what they made: a late repetition of a request must not make again what somebody deleted.

create table sse.deleted_keys (
  -- Table and key, such as orders:….
  key        text primary key,
  deleted_at timestamptz not null default clock_timestamp()
);

create index deleted_keys_deleted_at on sse.deleted_keys (deleted_at);

comment on table sse.deleted_keys is 'Idempotency keys of rows that were deleted, for seven days.';

-- Whoever may delete an order needs no right on this table.
create function sse.keep_key() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
  delete from sse.deleted_keys where deleted_at < clock_timestamp() - interval '7 days';
  insert into sse.deleted_keys (key) values (tg_table_name || ':' || old.key) on conflict (key) do nothing;
  return old;
end $$;

create trigger keep_key after delete on sse.orders for each row when (old.key is not null) execute function sse.keep_key();
create trigger keep_key after delete on sse.tasks for each row when (old.key is not null) execute function sse.keep_key();
