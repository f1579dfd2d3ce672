-- Orders: an application's own table beside the log. Each change and its event are one transaction: whoever writes here
-- by hand calls sse.publish in the same transaction.

create table sse.orders (
  id         bigint generated always as identity primary key,
  -- A token of the order's channel, orders.<customer>.<id>.
  customer   text not null check (length(customer) between 1 and 100 and customer !~ '[\u0001-\u0020\u007f.*>]'),
  -- ISO 4217.
  currency   text not null check (currency ~ '^[A-Z]{3}$'),
  -- [{"sku", "name", "quantity", "unitPrice"}], prices in minor units (cents).
  lines      jsonb not null check (jsonb_typeof(lines) = 'array'),
  total      bigint not null check (total >= 0),
  status     text not null default 'pending'
             check (status in ('pending', 'paid', 'packed', 'shipped', 'delivered', 'cancelled')),
  -- Grows by one with each change; every event of the order carries it.
  version    integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  -- Idempotency key of the request that created it.
  key        text
);

comment on table sse.orders is 'Orders. Publish a change with sse.publish in the transaction that makes it.';

create unique index orders_key on sse.orders (key) where key is not null;
create index orders_status on sse.orders (status, id desc);
create index orders_customer on sse.orders (customer, id desc);
