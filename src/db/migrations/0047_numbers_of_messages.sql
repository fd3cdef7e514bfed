-- Numbers of heartbeats, and of requests for answers. They were counted in Redis, where whoever writes a message could
-- write a number, too, and keep a provider out with it. Nothing of what stands there is taken over: a message is good for
-- two minutes anyway.
alter table provider_identities
  add column heartbeat_seq bigint,
  add column heartbeat_entry text,
  add column responses_seq bigint,
  add column responses_entry text,
  -- A row is written with each heartbeat: with room beside it the new version needs no new entries in the indexes.
  set (fillfactor = 70);
