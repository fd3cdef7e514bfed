-- What workers last saw of a vault stands beside what never changes of it, in one row.

alter table vaults
  add column token char(42),
  add column symbol text,
  add column decimals smallint check (decimals between 0 and 18),
  add column operator char(42),
  add column guardian char(42),
  add column treasury char(42),
  add column proposed bigint,
  add column last_executed bigint,
  add column paused_until timestamptz,
  -- Units of the token.
  add column fees numeric(39, 0),
  -- What the broker's own key has for gas, in wei.
  add column gas_money numeric(78, 0),
  -- When a worker saw all of the above.
  add column seen_at timestamptz;

insert into vaults as v (chain_id, vault, scale, batch_delay_s, exit_delay_s, token, symbol, decimals, operator, guardian,
                         treasury, proposed, last_executed, paused_until, fees, gas_money, seen_at)
  select chain_id, vault, 10::numeric ^ (18 - decimals), batch_delay_s, exit_delay_s, token, symbol, decimals, operator,
         guardian, treasury, proposed, last_executed, paused_until, fees, gas_money, seen_at
    from chain_vaults
  on conflict (chain_id, vault) do update
    set token = excluded.token, symbol = excluded.symbol, decimals = excluded.decimals, operator = excluded.operator,
        guardian = excluded.guardian, treasury = excluded.treasury, proposed = excluded.proposed,
        last_executed = excluded.last_executed, paused_until = excluded.paused_until, fees = excluded.fees,
        gas_money = excluded.gas_money, seen_at = excluded.seen_at;

-- A build before this one goes on reading and writing under the old name until it is replaced. It has put the vault's row
-- into `vaults` before it writes what it saw, so it only updates, and the default is never taken. What it would only insert,
-- the token, is missing from a vault that no build had seen: that one counts as unseen until a build of now sees it, and is
-- not in the view, as it was not in the table. The old statement updates rows that the view does not show, too.
drop table chain_vaults;
create view chain_vaults as
  select chain_id, vault, scale, token, symbol, decimals, batch_delay_s, exit_delay_s, operator, guardian, treasury, proposed,
         last_executed, paused_until, fees, gas_money, seen_at
    from vaults
   where token is not null;
alter view chain_vaults alter column scale set default 1;
