-- Keys by which backends authenticate over HTTP: `sse-update key create`, `key list`, `key revoke`.
--
-- A key is 256 random bits and is shown once. Only its SHA-256 is stored, so a copy of the table opens nothing; a slow hash is not
-- needed for what can't be guessed. Rows are kept after a key was revoked: a name stands for one key for good, in logs and events.

create table sse.access_keys (
  name       text primary key,
  hash       bytea not null unique,
  publish    text[] not null,
  subscribe  text[] not null,
  role       text not null,
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz,
  constraint access_keys_hash_is_sha256 check (octet_length(hash) = 32),
  constraint access_keys_role_is_known  check (role in ('user', 'operator'))
);

comment on table sse.access_keys is 'Keys of backends, as hashes. Written by sse.create_key and sse.revoke_key alone.';

-- Whether a text is a pattern of channels as HTTP takes them: 1 to 16 dot-separated tokens, at most 255 characters, `*` for one
-- token, a last `>` for one or more.
create function sse.is_pattern(pattern text) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp set standard_conforming_strings = on as $$
declare
  tokens constant text[] := string_to_array(pattern, '.');
  n      constant integer := cardinality(tokens);
begin
  if pattern is null or length(pattern) not between 1 and 255 or n > 16
     -- The same characters as in server/protocol/names.ts.
     or pattern ~ E'[\\u0001-\\u0020\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]' then
    return false;
  end if;
  for i in 1 .. n loop
    if tokens[i] = '' or tokens[i] ~ '[*>]' and tokens[i] <> '*' and not (tokens[i] = '>' and i = n) then
      return false;
    end if;
  end loop;
  return true;
end
$$;

-- Stores a key and lets all servers accept it. The caller makes the key and passes its SHA-256.
--
--   name       1 to 80 characters that are one token of a channel: the user as whom the key acts. Never used before
--   publish    patterns of the channels that the key may publish to; at most 64
--   subscribe  patterns of the channels that it may read; at most 64
--   role       'user', or 'operator': may see and manage what belongs to all users
create function sse.create_key(
  name text, hash bytea, publish text[] default '{}', subscribe text[] default '{}', role text default 'user'
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  pattern text;
begin
  if name ~ '[.*>]' or length(name) > 80 or not sse.is_pattern(name) then
    raise exception 'the name of the key is not valid' using errcode = 'invalid_parameter_value',
      hint = 'A name is 1 to 80 characters without spaces, control characters, ".", "*" or ">".';
  end if;
  if cardinality(publish) > 64 or cardinality(subscribe) > 64 then
    raise exception 'a key has at most 64 patterns each' using errcode = 'invalid_parameter_value';
  end if;
  foreach pattern in array publish || subscribe loop
    if sse.is_pattern(pattern) is not true then
      raise exception 'a channel pattern of the key is not valid' using errcode = 'invalid_parameter_value',
        hint = 'A pattern is dot-separated tokens such as orders.>, orders.*.17 or orders.alice.17.';
    end if;
  end loop;
  if exists (select from sse.access_keys k where k.name = create_key.name) then
    raise exception 'there is a key with this name, or was' using errcode = 'unique_violation',
      hint = 'Choose another name: that of a revoked key is not used again.';
  end if;
  insert into sse.access_keys (name, hash, publish, subscribe, role)
  values (create_key.name, create_key.hash, create_key.publish, create_key.subscribe, create_key.role);
  perform sse.announce_keys();
end
$$;

-- No server accepts the key any more. False when there is no such key, or it was revoked before.
create function sse.revoke_key(name text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update sse.access_keys k set revoked_at = clock_timestamp() where k.name = revoke_key.name and k.revoked_at is null;
  if not found then
    return false;
  end if;
  perform sse.announce_keys();
  return true;
end
$$;

-- Makes all servers read the keys again, by an event that reaches them in the order of the log.
create function sse.announce_keys() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into sse.outbox (channel, type, data, bytes) values ('sse.access', 'keys.changed', 'null', 4);
  perform pg_notify('sse_outbox', '');
end
$$;

comment on function sse.create_key is 'For the owner: stores a key of a backend. "sse-update key create" calls it.';
comment on function sse.revoke_key is 'For the owner: revokes a key. "sse-update key revoke" calls it.';

revoke execute on function sse.is_pattern, sse.create_key, sse.revoke_key, sse.announce_keys from public;
