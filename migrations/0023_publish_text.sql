-- Publishing text, such as HTML, from SQL.

-- Like sse.publish, of data that is a JSON string with this text. Streams with data=raw bring the text itself.
--
--   text     up to 1 MiB as JSON: line breaks, quotes and backslashes count twice, other control characters six times
--
-- The other parameters, the rights and the errors are those of sse.publish. With the type 'message', raw streams bring it
-- without an event: line.
create function sse.publish_text(channel text, type text, text text, key text default null, origin text default null)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if text is null then
    raise exception 'text is null' using errcode = 'null_value_not_allowed',
      hint = 'Publish an empty text, coalesce(…, ''''), or call sse.publish without data.';
  end if;
  perform sse.publish(publish_text.channel, publish_text.type, to_json(publish_text.text)::text, publish_text.key, publish_text.origin);
end
$$;

comment on function sse.publish_text is 'Publishes text, such as HTML, when the surrounding transaction commits. Streams with data=raw bring it as it is.';
