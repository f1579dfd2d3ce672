/** One kind of transaction; `$1` is the number of the writer, `$2` that of its transaction. */
export interface Workload {
  name: string
  /** Statements between BEGIN and COMMIT, a round trip each. */
  statements: readonly string[]
  /** Whether each transaction publishes one event. */
  publishes: boolean
}

const DATA = `'{"customer":"' || $1 || '","number":"' || $2 || '","state":"open","total":12,"currency":"EUR"}'`
const INSERT = 'insert into bench_orders (customer, number, total) values ($1, $2, 12)'

/** Tables of the workloads: one of an application, one with a trigger that publishes, and an outbox as many write it by hand. */
export const SCHEMA = `
  create table bench_orders (
    id bigint generated always as identity primary key, customer text not null, number text not null, total integer not null,
    created_at timestamptz not null default now()
  );
  create table bench_orders_triggered (like bench_orders including all);
  create table bench_outbox (
    id bigint generated always as identity primary key, channel text not null, type text not null, data json not null,
    created_at timestamptz not null default now()
  );
  create function publish_order() returns trigger language plpgsql as $$
  begin
    perform sse.publish('orders.' || new.customer, 'order.created',
      '{"customer":"' || new.customer || '","number":"' || new.number || '","state":"open","total":12,"currency":"EUR"}');
    return null;
  end $$;
  create trigger publish_order after insert on bench_orders_triggered for each row execute function publish_order();`

/** Empties the tables of the workloads, so that each round has the same. */
export const CLEAR = 'truncate bench_orders, bench_orders_triggered, bench_outbox'

/** The first is what the others are compared with; the next two publish nothing: they are what one more statement costs. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'INSERT', statements: [INSERT], publishes: false },
  { name: 'INSERT, select 1', statements: [INSERT, `select 1 where $1 || $2 <> ''`], publishes: false },
  {
    name: 'INSERT, INSERT into a bare table',
    statements: [
      INSERT,
      `insert into bench_outbox (channel, type, data) values ('orders.' || $1, 'order.created', (${DATA})::json)`,
    ],
    publishes: false,
  },
  {
    name: 'INSERT, select sse.publish()',
    statements: [INSERT, `select sse.publish('orders.' || $1, 'order.created', ${DATA})`],
    publishes: true,
  },
  {
    name: 'sse.publish() in the INSERT',
    statements: [
      `with created as (${INSERT} returning customer)
       select sse.publish('orders.' || customer, 'order.created', ${DATA}) from created`,
    ],
    publishes: true,
  },
  {
    name: 'sse.publish() in a trigger',
    statements: [INSERT.replace('bench_orders', 'bench_orders_triggered')],
    publishes: true,
  },
]
