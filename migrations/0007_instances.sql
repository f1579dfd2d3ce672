-- The instances that serve, as they tell of themselves every two seconds: so that each can show all of them.

create unlogged table sse.instances (
  id          uuid primary key,
  name        text not null,
  version     text not null,
  -- Where it listens, as it knows it.
  url         text not null,
  started_at  timestamptz not null,
  seen_at     timestamptz not null,
  -- Streams, position, and so on: what the last sign of life told.
  status      jsonb not null
);

comment on table sse.instances is 'Instances that serve. One whose seen_at lies some seconds back is gone.';
