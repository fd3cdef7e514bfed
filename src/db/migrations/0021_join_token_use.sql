-- Since when a node has a certificate by this token: from then on the token has done its work.
alter table join_tokens add column used_at timestamptz(3);
