-- What became of the answer with this token, so that a provider that registers again is given the same one.
alter table join_tokens
  add column answered_at timestamptz(3),
  add column delivered_at timestamptz(3),
  -- The public key that the last answer was sealed for; null if it was not sealed.
  add column sealed_for text;
