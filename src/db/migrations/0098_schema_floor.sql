-- The oldest migration that a build has to know to run on this schema. Without the row that says it, a build that finds
-- migrations which it does not know could not tell whether it can live with them. A migration that older builds cannot live
-- with says so here: update schema_floor set migration = 'its name'.
create table schema_floor (
  one boolean primary key default true check (one),
  migration text not null
);
insert into schema_floor (migration) values ('0098_schema_floor');
