-- Patterns to which SQL roles are bound when they publish.
--
-- Without rows, every role with usage on schema sse publishes to all channels. A row binds its role to its patterns; rows of the
-- role '*' are for all roles, as PUBLIC is in Postgres. Roles that may act as the owner of the schema, and superusers, are not bound.
-- The role is session_user, which security definer functions and SET ROLE leave as it is.

create table sse.publish_grants (
  role    text not null,
  pattern text not null,
  primary key (role, pattern)
);

comment on table sse.publish_grants is 'Channels that roles may publish to. Written by sse.allow_publish and sse.disallow_publish alone.';

-- Whether a pattern matches a channel; both must be valid. The same as `matchesTokens` in server/protocol/channel.ts.
create function sse.matches(pattern text, channel text) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  wanted constant text[] := string_to_array(pattern, '.');
  given  constant text[] := string_to_array(channel, '.');
begin
  for i in 1 .. cardinality(wanted) loop
    if wanted[i] = '>' then
      return cardinality(given) >= i;
    end if;
    if i > cardinality(given) or wanted[i] <> '*' and wanted[i] <> given[i] then
      return false;
    end if;
  end loop;
  return cardinality(wanted) = cardinality(given);
end
$$;

-- The channel, when a bound role may publish to it; raises otherwise. Called only when there are rows for the role.
create function sse.check_publish(publisher text, channel text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if pg_has_role(publisher, current_user, 'member')
     or exists (select from sse.publish_grants g where g.role in (publisher, '*') and sse.matches(g.pattern, channel)) then
    return channel;
  end if;
  raise exception 'role % may not publish to channel %', quote_ident(publisher), quote_literal(channel)
    using errcode = 'insufficient_privilege',
    hint = format('The owner of the schema can allow it: select sse.allow_publish(%L, %L).', publisher, channel);
end
$$;

-- Lets a role publish to the channels of a pattern, and binds it to what it is allowed. '*' is all roles.
create function sse.allow_publish(role text, pattern text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if role <> '*' and not exists (select from pg_roles r where r.rolname = allow_publish.role) or role is null then
    raise exception 'there is no role %', quote_nullable(role) using errcode = 'undefined_object',
      hint = 'Name a role that may log in, or * for all roles.';
  end if;
  if sse.is_pattern(pattern) is not true then
    raise exception 'channel pattern % is not valid', quote_nullable(left(pattern, 80)) using errcode = 'invalid_parameter_value',
      hint = 'A pattern is dot-separated tokens such as orders.>, orders.*.17 or orders.alice.17.';
  end if;
  insert into sse.publish_grants values (allow_publish.role, allow_publish.pattern) on conflict do nothing;
end
$$;

-- Takes a pattern from a role again. False when it did not have it. A role without any is not bound any more: revoke its usage on
-- schema sse to keep it from publishing.
create function sse.disallow_publish(role text, pattern text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from sse.publish_grants g where g.role = disallow_publish.role and g.pattern = disallow_publish.pattern;
  return found;
end
$$;

comment on function sse.allow_publish    is 'For the owner: lets a role publish to the channels of a pattern, and only to what it is allowed.';
comment on function sse.disallow_publish is 'For the owner: takes back what sse.allow_publish allowed.';

-- Like before, but for roles that are bound: they publish to the channels of their patterns only.
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
  -- Whether the role is bound is looked up by this statement: one of its own would cost several times as much.
  insert into sse.outbox (channel, type, data, bytes, key, origin)
  values (case when exists (select from sse.publish_grants g where g.role in (session_user::text, '*'))
            then sse.check_publish(session_user::text, publish.channel) else publish.channel end, publish.type, publish.data::json, octet_length(publish.data), publish.key, publish.origin);
end
$$;

revoke execute on function sse.matches, sse.check_publish, sse.allow_publish, sse.disallow_publish from public;
