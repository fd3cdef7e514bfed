import { isLost, login, logOut, mayBeAdmin, requireLogin, toast, whoami } from '../live/index.js';
import { Bar, Button, Menu, Money, partOf, plain, shortAddress } from '../parts/index.js';
import { token } from '../live/broker.js';
import { figureOf } from '../parts/amounts.js';
import { Link } from './link.js';
import { navigate, path } from './router.js';
import { setTheme, theme, type Theme } from './theme.js';

const places = [
  { to: '/', name: 'Market', also: /^\/$|^\/rent/ },
  { to: '/jobs', name: 'Jobs', also: /^\/jobs/ },
  { to: '/cost', name: 'Cost', also: /^\/cost/ },
  { to: '/provider', name: 'Rent out', also: /^\/provider/ },
];

export function Header() {
  const here = path.value;
  const all = mayBeAdmin.value ? [...places, { to: '/operator', name: 'Operator', also: /^\/operator/ }] : places;
  return (
    <header class="top">
      <div class="top-inner">
        <Link to="/" class="brand" aria-label="WorldLand, to the market">
          <Mark />
          <span>WorldLand</span>
        </Link>
        <nav aria-label="Pages">
          {all.map(({ to, name, also }) => (
            <Link key={to} to={to} aria-current={also.test(here) ? 'page' : undefined}>
              {name}
            </Link>
          ))}
        </nav>
        <div class="top-end">
          <ThemeSwitch />
          {login.value === undefined ? (
            <Button kind="main" size="s" onClick={() => void requireLogin()}>
              Connect wallet
            </Button>
          ) : (
            <Wallet />
          )}
        </div>
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 20 20" aria-hidden="true">
      <rect x="1" y="1" width="18" height="18" rx="5" />
      <path d="M4.6 6.2l2.3 7.6L10 7.4l3.1 6.4 2.3-7.6" />
    </svg>
  );
}

const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const themeGlyphs: Record<Theme, string> = { system: '◐', light: '○', dark: '●' };

function ThemeSwitch() {
  const now = theme.value;
  const label = `Theme: ${now}. Change to ${nextTheme[now]}`;
  return (
    <button
      type="button"
      class="button bare s theme"
      aria-label={label}
      title={label}
      onClick={() => setTheme(nextTheme[now])}
    >
      <span aria-hidden="true">{themeGlyphs[now]}</span>
    </button>
  );
}

/** Whose login it is, and what it may still spend. */
function Wallet() {
  const who = login.value;
  if (who === undefined) return null;
  const leave = async () => {
    try {
      await logOut();
      toast('You are logged out, here and at the broker.');
    } catch {
      toast(
        'You are logged out here. The broker did not answer: the session ends there by itself within 8 hours.',
        'bad',
      );
    }
  };
  return (
    <>
      <Limit />
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
