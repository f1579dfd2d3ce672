-- Sessions of browsers that were ended before their tokens expired. Instances keep them in memory and tell each other by events of
-- channel `sse.access`; they read this table at their start, and after a gap in the log, which may have held such an event.
--
-- A session's row is committed before its event is published, so an instance that reads the table after it has begun to follow
-- the log misses none.

create table sse.ended_sessions (
  session    text primary key,
  subject    text not null,
  ended_at   timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  constraint ended_sessions_session_is_sha256 check (session ~ '^[A-Za-z0-9_-]{43}$'),
  constraint ended_sessions_subject_is_text   check (length(subject) between 1 and 1000)
);

comment on table  sse.ended_sessions            is 'Sessions whose cookies are not accepted any more. Written by sse.end_session; at most 100 rows for each subject.';
comment on column sse.ended_sessions.session    is 'SHA-256 of the id of the session, in base64url.';
comment on column sse.ended_sessions.expires_at is 'When the token of the session expires. The row is deleted after that, when another session is ended.';

create index ended_sessions_by_subject on sse.ended_sessions (subject, ended_at);
create index ended_sessions_by_expiry  on sse.ended_sessions (expires_at);

-- The server's role writes rows by this function alone, and deletes none itself. Those of the sessions of a subject that were ended
-- last are kept, so that nobody can fill the table. To end a session twice has no further effect.
create function sse.end_session(session text, subject text, expires_at timestamptz) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  with expired as (
    select e.session from sse.ended_sessions e where e.expires_at < now() limit 100 for update skip locked
  ), surplus as (
    select e.session from sse.ended_sessions e where e.subject = end_session.subject
    order by e.ended_at desc offset 99 for update skip locked
  ), deleted as (
    delete from sse.ended_sessions d
    where d.session in (select x.session from expired x union all select s.session from surplus s)
  )
  insert into sse.ended_sessions (session, subject, expires_at)
  values (end_session.session, end_session.subject, end_session.expires_at) on conflict (session) do nothing
$$;

comment on function sse.end_session is 'For the server: stores a session that was ended, and deletes rows of expired tokens and what a subject has beyond 100.';

revoke execute on function sse.end_session from public;
