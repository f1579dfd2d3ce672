-- What publishing costs the transaction that does it, and what moving its events costs the server.
--
-- The first use of an expression of plpgsql in a transaction costs about a microsecond for each of its functions, which was most of
-- what sse.publish took. Now one statement recognises the usual valid event and inserts it; all others go the long way.

-- Checks each argument by itself, and inserts the event or raises why it can not be published. Called by sse.publish alone.
create function sse.publish_checked(channel text, type text, data text, key text, origin text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
declare
  -- The same characters as in server/protocol/names.ts.
  unsafe constant text := E'[\\u0001-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]';
  tokens constant text[] := string_to_array(channel, '.');
begin
  if channel is null or length(channel) > 255 or channel = '' or '' = any (tokens) or channel ~ '[ *>]' or channel ~ unsafe then
    raise exception 'channel % is not valid', quote_nullable(regexp_replace(left(channel, 80), unsafe, '?', 'g'))
      using errcode = 'invalid_parameter_value',
      hint = 'A channel is dot-separated tokens such as orders.alice.17, without spaces, control characters, * or >.';
  end if;
  if cardinality(tokens) > 16 then
    raise exception 'channel has % tokens, more than 16', cardinality(tokens) using errcode = 'invalid_parameter_value',
      hint = 'A channel is 1 to 16 dot-separated tokens such as orders.alice.17.';
  end if;
  if tokens[1] = 'sse' then
    raise exception 'channel % is reserved', quote_literal(channel) using errcode = 'insufficient_privilege',
      hint = 'Channels whose first token is sse are for the server''s own events. Choose another.';
  end if;
  if type is null or length(type) not between 1 and 255 or type ~ unsafe then
    raise exception 'type % is not valid', quote_nullable(regexp_replace(left(type, 80), unsafe, '?', 'g'))
      using errcode = 'invalid_parameter_value',
      hint = 'A type is 1 to 255 characters without control characters, such as order.paid.';
  end if;
  if type in ('ready', 'gap', 'heartbeat', 'closing', 'auth-expiring', 'open', 'error') then
    raise exception 'type % is reserved', quote_literal(type) using errcode = 'invalid_parameter_value',
      hint = 'The stream itself uses ready, gap, heartbeat, closing, auth-expiring, open and error. Choose another type.';
  end if;
  if octet_length(data) > 1048576 then
    raise exception 'data has % bytes, more than 1048576', octet_length(data) using errcode = 'program_limit_exceeded',
      hint = 'Publish a reference to large data, not the data.';
  end if;
  if length(key) not between 1 and 255 or key ~ unsafe then
    raise exception 'key is not valid' using errcode = 'invalid_parameter_value',
      hint = 'A key is 1 to 255 characters without control characters.';
  end if;
  if length(origin) not between 1 and 255 or origin ~ unsafe then
    raise exception 'origin is not valid' using errcode = 'invalid_parameter_value',
      hint = 'An origin is 1 to 255 characters without control characters.';
  end if;
  data := coalesce(data, 'null');
  insert into sse.outbox (channel, type, data, bytes, key, origin)
  values (case when exists (select from sse.publish_grants g where g.role in (session_user::text, '*'))
            then sse.check_publish(session_user::text, publish_checked.channel) else publish_checked.channel end,
          publish_checked.type, publish_checked.data::json, octet_length(publish_checked.data), publish_checked.key,
          publish_checked.origin);
end
$$;

-- Publishes an event when the surrounding transaction commits; the arguments, the rights and the errors are those of migrations
-- 0010 and 0022.
--
-- The condition holds only for what sse.publish_checked accepts too, from a role that is not bound. The texts are separated by line
-- feeds, which none of them may hold: the expression matches exactly three. A length in bytes is never less than one in
-- characters. `%.%` seven times is a channel of eight tokens or more.
create or replace function sse.publish(channel text, type text, data text default 'null', key text default null, origin text default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
begin
  insert into sse.outbox (channel, type, data, bytes, key, origin)
  select channel, type, data::json, octet_length(data), key, origin
  where octet_length(data) <= 1048576
    and octet_length(concat(channel, type, key, origin)) <= 255
    and concat(channel, E'\n', type, E'\n', '=' || key, E'\n', '=' || origin) ~
        E'^[^\\u0001-\\u0020*.>\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]+(?:\\.[^\\u0001-\\u0020*.>\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]+)*\\n[^\\u0001-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]+(?:\\n(?:=[^\\u0001-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]+)?){2}$'
    and channel not like 'sse%' and channel not like '%.%.%.%.%.%.%.%'
    and type <> all ('{ready,gap,heartbeat,closing,auth-expiring,open,error}'::text[])
    and not exists (select from sse.publish_grants g where g.role in (session_user::text, '*'));
  if not found then
    perform sse.publish_checked(channel, type, data, key, origin);
  end if;
end
$$;

revoke execute on function sse.publish_checked from public;
