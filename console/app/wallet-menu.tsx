import { eventText } from '../../src/words/event-text.js';
import { isLost, login, logOut, refresh, toast, token, useJobEvents, whoami } from '../live/index.js';
import { Bar, figureOf, Menu, Money, partOf, plain, shortAddress } from '../parts/index.js';
import { Link } from './link.js';
import { navigate } from './router.js';
import { RunningRate } from './running-rate.js';

/** Whose login it is, and what it may still spend. */
export function WalletMenu() {
  const who = login.value;
  useJobEvents((event) => {
    if (event.kind !== 'limit_near') return;
    toast(`Mind: ${eventText(event)}.`, 'bad');
    refresh('jobs');
  });
  if (who === undefined) return null;
  const leave = async () => {
    try {
      await logOut();
      toast('You are logged out, here and at the broker.');
    } catch {
      toast(
        'You are logged out here. The broker did not answer: it is told when it does, and the session ends by itself within 8 hours.',
        'bad',
      );
    }
  };
  return (
    <>
      <div class="top-money">
        <RunningRate />
        <Limit />
      </div>
      <Menu
        size="s"
        name={`Wallet ${shortAddress(who.wallet)}`}
        label={<span class={`num${isLost.value ? ' is-lost' : ''}`}>{shortAddress(who.wallet)}</span>}
        items={[
          { key: 'account', label: 'Account', act: () => navigate('/account') },
          { key: 'leave', label: 'Log out', act: () => void leave() },
        ]}
      />
    </>
  );
}

function Limit() {
  const me = whoami.value;
  if (me === undefined) return null;
  if (me.spend_limit === '0')
    return (
      <Link to="/account" class="limit">
        Look only
      </Link>
    );
  const { symbol, decimals } = token();
  const figure = (units: string) => figureOf(units, decimals);
  const words = `${figure(me.spend_spent)} of ${figure(me.spend_limit)} ${plain(symbol, 12)} spent, ${figure(me.spend_reserved)} reserved`;
  return (
    <Link to="/account" class="limit">
      <span>
        <Money units={me.spend_remaining} bare />
        <span class="limit-of">
          {' '}
          of <Money units={me.spend_limit} />
        </span>{' '}
        left
      </span>
      <Bar
        used={partOf(me.spend_spent, me.spend_limit)}
        held={partOf(me.spend_reserved, me.spend_limit)}
        label={words}
      />
    </Link>
  );
}
