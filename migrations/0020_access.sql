-- Access control on open streams: what was revoked, and the channels of the server's own events.
--
-- Instances keep the revocations in memory. They read the table at their start, after a gap in the log, and when an event of
-- channel `sse.access` says that it has changed: the event is published in the transaction of the change, so it can't be
-- missed, and it reaches every instance in the order of the log.

create table sse.revocations (
  kind  text not null,
  value text not null,
  at    timestamptz not null default clock_timestamp(),
  constraint revocations_pkey          primary key (kind, value),
  constraint revocations_kind_is_known check (kind in ('token', 'subject')),
  constraint revocations_value_is_text check (length(value) between 1 and 1000)
);

comment on table  sse.revocations       is 'Tokens that are no longer accepted, and subjects whose tokens are not. Written by sse.revoke alone.';
comment on column sse.revocations.kind  is '"token": the token whose jti is the value. "subject": every token of the subject (sub) that was issued (iat) until then.';
comment on column sse.revocations.at    is 'When it was revoked, the last time. Rows older than 400 days are deleted by the next sse.revoke.';

-- Revokes a token (by its `jti`) or all tokens of a subject that were issued until now: no server accepts them any more, and
-- streams that were opened with them end.
--
-- For the server's role, and for roles that are granted `execute`: they need `usage` on schema sse besides. It runs with the
-- rights of its owner, so they need no right on the table.
create function sse.revoke(kind text, value text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
begin
  if kind is null or kind not in ('token', 'subject') then
    raise exception 'kind % is not known', quote_nullable(left(kind, 80)) using errcode = 'invalid_parameter_value',
      hint = 'Revoke a "token" by its jti, or a "subject" by its sub.';
  end if;
  if value is null or length(value) not between 1 and 1000 then
    raise exception 'value is not 1 to 1000 characters' using errcode = 'invalid_parameter_value',
      hint = 'It is the jti of a token, or the sub of its subject.';
  end if;
  -- No token is accepted that long.
  delete from sse.revocations r where r.at < clock_timestamp() - interval '400 days';
  insert into sse.revocations (kind, value) values (revoke.kind, revoke.value)
  on conflict on constraint revocations_pkey do update set at = clock_timestamp();
  insert into sse.outbox (channel, type, data, bytes) values ('sse.access', 'revocations.changed', 'null', 4);
  perform pg_notify('sse_outbox', '');
end
$$;

comment on function sse.revoke is 'Revokes a token by its jti, or all tokens of a subject; streams that were opened with them end within a second.';

revoke execute on function sse.revoke from public;

-- Like before, but for two rules: channels whose first token is `sse` are for events of the server itself, and `auth-expiring`
-- is a type of the stream.
create or replace function sse.publish(channel text, type text, data text default 'null', key text default null, origin text default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
declare
  -- The same characters as in server/protocol/names.ts.
  unsafe constant text := E'[\\u0001-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]';
  -- One search through all of them: each costs more than all other checks.
  is_unsafe constant boolean := concat(channel, type, key, origin) ~ unsafe;
  tokens constant text[] := string_to_array(channel, '.');
begin
  if channel is null or length(channel) > 255 or channel = '' or '' = any (tokens) or channel ~ '[ *>]'
     or is_unsafe and channel ~ unsafe then
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
  if type is null or length(type) not between 1 and 255 or is_unsafe and type ~ unsafe then
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
  if length(key) not between 1 and 255 or is_unsafe and key ~ unsafe then
    raise exception 'key is not valid' using errcode = 'invalid_parameter_value',
      hint = 'A key is 1 to 255 characters without control characters.';
  end if;
  if length(origin) not between 1 and 255 or is_unsafe and origin ~ unsafe then
    raise exception 'origin is not valid' using errcode = 'invalid_parameter_value',
      hint = 'An origin is 1 to 255 characters without control characters.';
  end if;
  data := coalesce(data, 'null');
  insert into sse.outbox (channel, type, data, bytes, key, origin)
  values (publish.channel, publish.type, publish.data::json, octet_length(publish.data), publish.key, publish.origin);
end
$$;
