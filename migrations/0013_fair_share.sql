-- Fair shares: one owner's tasks do not hold up another's, and what has ended does not stay for ever.

-- Of each owner, one waiting task has a job in the queue; the next one gets its job when that one is taken up. So the
-- queue, first in first out, serves the owners in turn. This row's lock makes the changes of one owner's queue one after
-- the other.
create table sse.task_owners (
  owner   text primary key,
  used_at timestamptz not null default clock_timestamp()
);

comment on table sse.task_owners is 'Owners of tasks: the lock under which the queue of one owner changes. Written by the server.';

create index task_owners_used on sse.task_owners (used_at);

-- Tasks that have not ended: an owner's queue, in its order.
create index tasks_open on sse.tasks (owner, id) where state in ('queued', 'running');

-- What retention deletes, oldest first.
create index tasks_ended on sse.tasks (ended_at) where ended_at is not null;
create index orders_closed on sse.orders (updated_at) where status in ('delivered', 'cancelled');
create index notifications_created on sse.notifications (created_at);
-- Else each notification that is deleted would cost a scan of all deliveries.
create index notification_deliveries_notification on sse.notification_deliveries (notification);

-- A late repetition of a request must not send a notification again that retention has deleted.
create trigger keep_key after delete on sse.notifications for each row when (old.key is not null) execute function sse.keep_key();
