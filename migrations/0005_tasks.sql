-- Tasks: work that takes a while, and whose progress people watch. Each change and its event are one transaction.
--
--   queued ──► running ──► succeeded
--     ▲  │        │ │ └──► failed     (and back to queued while attempts are left, or when somebody retries it)
--     │  └────────┼─┴────► cancelled
--     └───────────┘
--
-- Which worker runs which task is settled by the queue in schema sse_tasks (pg-boss); see server/tasks/README.md.

create table sse.tasks (
  id              bigint generated always as identity primary key,
  kind            text not null check (kind in ('demo', 'report', 'import')),
  -- A token of the task's channel, tasks.<owner>.<id>.
  owner           text not null check (length(owner) between 1 and 100 and owner !~ '[\u0001-\u0020\u007f.*>]'),
  description     text not null check (length(description) <= 200),
  input           jsonb not null,
  state           text not null default 'queued'
                  check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  -- Percent.
  progress        real not null default 0 check (progress between 0 and 100),
  step            text not null default '',
  -- Grows each time a worker takes the task up: what an older attempt would write is refused (a fencing token).
  attempt         integer not null default 0,
  -- Attempts that failed since somebody last asked for the task.
  failures        integer not null default 0,
  -- Where an attempt that takes over goes on; its form is the kind's own.
  checkpoint      jsonb,
  result          jsonb,
  -- [{"name", "contentType", "bytes"}]
  files           jsonb not null default '[]',
  error           text,
  -- The job in the queue that stands for it; others are obsolete.
  job             uuid,
  -- Grows by one with each change, progress too; every event of the task carries it.
  version         integer not null default 1,
  created_at      timestamptz not null default clock_timestamp(),
  updated_at      timestamptz not null default clock_timestamp(),
  -- Not before then is it tried again.
  next_attempt_at timestamptz,
  started_at      timestamptz,
  ended_at        timestamptz,
  -- Idempotency key of the request that started it.
  key             text
) with (fillfactor = 50);

comment on table sse.tasks is 'Tasks. Written by the server; read it freely.';

create unique index tasks_key on sse.tasks (key) where key is not null;
create index tasks_state on sse.tasks (state, id desc);
create index tasks_owner on sse.tasks (owner, id desc);

-- What a task reads (an upload) and what it leaves for downloading, in parts, so that no file is ever in memory whole.
create table sse.files (
  id           uuid primary key default gen_random_uuid(),
  -- None while an upload is still coming.
  task         bigint references sse.tasks on delete cascade,
  role         text not null check (role in ('input', 'result')),
  name         text not null check (length(name) between 1 and 200),
  content_type text not null,
  bytes        bigint not null default 0,
  created_at   timestamptz not null default clock_timestamp(),
  unique (task, role, name)
);

create table sse.file_parts (
  file    uuid not null references sse.files on delete cascade,
  part    integer not null,
  content bytea not null,
  primary key (file, part)
);

comment on table sse.files is 'Inputs and results of tasks; sse.file_parts holds their bytes.';

create index files_uploads on sse.files (created_at) where task is null;

-- Sums that a report adds up: here rather than in memory, which a million customers would fill.
create unlogged table sse.report_totals (
  task      bigint not null references sse.tasks on delete cascade,
  dimension text not null check (dimension in ('day', 'customer', 'sku')),
  key       text not null,
  currency  text not null,
  orders    bigint not null,
  quantity  numeric not null,
  revenue   numeric not null,
  primary key (task, dimension, key, currency)
);

create index orders_created on sse.orders (created_at, id);
