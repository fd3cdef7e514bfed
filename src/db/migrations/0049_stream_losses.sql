-- When messages may last have gone from a stream before anybody read them, because somebody removed them: nobody is
-- silent for what cannot have been heard.
create table stream_losses (
  stream text primary key,
  noticed_at timestamptz not null
);
