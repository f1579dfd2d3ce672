-- An idempotency key is of the person who sent it, and of one request: with another request it is refused. `key` holds
-- the person too; `request` is a digest of what was asked for.

alter table sse.orders add column request text;
alter table sse.tasks add column request text;
alter table sse.notifications add column request text;

comment on column sse.orders.request is 'SHA-256 of the request that created it; a repetition with its key must be the same.';
