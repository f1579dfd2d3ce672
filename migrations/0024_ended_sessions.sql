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

comment on table  sse.ended_sessions            is 'Sessions whose cookies are not accepted any more. Written by DELETE /session; at most 100 rows for each subject.';
comment on column sse.ended_sessions.session    is 'SHA-256 of the id of the session, in base64url.';
comment on column sse.ended_sessions.expires_at is 'When the token of the session expires. The row is deleted after that, when another session is ended.';

create index ended_sessions_by_subject on sse.ended_sessions (subject, ended_at);
create index ended_sessions_by_expiry  on sse.ended_sessions (expires_at);
