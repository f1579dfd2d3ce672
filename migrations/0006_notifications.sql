-- Notifications: to one person, to several, or to everyone. Each, and each reading of one, is published in its own
-- transaction: on notifications.<person> for those it is sent to, on broadcast for everyone.

create table sse.notifications (
  id         bigint generated always as identity primary key,
  sender     text not null,
  everyone   boolean not null,
  title      text not null check (length(title) between 1 and 200),
  body       text not null default '' check (length(body) <= 10000),
  level      text not null default 'info' check (level in ('info', 'success', 'warning', 'error')),
  -- An address to open, absolute or of this server.
  link       text check (length(link) <= 2000),
  created_at timestamptz not null default clock_timestamp(),
  -- Idempotency key of the request that sent it.
  key        text
);

-- A row for each person that a notification was sent to; of one to everyone, only for those who have read it.
create table sse.notification_deliveries (
  -- A token of the channel, notifications.<person>.
  person       text not null check (length(person) between 1 and 100 and person !~ '[\u0001-\u0020\u007f.*>]'),
  notification bigint not null references sse.notifications on delete cascade,
  read_at      timestamptz,
  primary key (person, notification)
);

comment on table sse.notifications is 'Notifications. Publish what you insert with sse.publish in the same transaction.';
comment on table sse.notification_deliveries is 'Who got which notification, and when they read it.';

create unique index notifications_key on sse.notifications (key) where key is not null;
create index notifications_everyone on sse.notifications (id desc) where everyone;
create index notification_deliveries_unread on sse.notification_deliveries (person, notification desc) where read_at is null;
