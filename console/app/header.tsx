import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { login, mayBeAdmin, requireLogin } from '../live/index.js';
import { Button } from '../parts/index.js';
import { Link } from './link.js';
import { path } from './router.js';
import { siteName } from './site-name.js';
import { setTheme, theme, type Theme } from './theme.js';

const places = [
  { to: '/', name: 'Market', also: /^\/$|^\/rent/ },
  { to: '/jobs', name: 'Jobs', also: /^\/jobs/ },
  { to: '/cost', name: 'Cost', also: /^\/(cost|receipts|deposits|settlements)/ },
  { to: '/provider', name: 'Rent out', also: /^\/provider/ },
];

export function Header() {
  const here = path.value;
  const all = mayBeAdmin.value ? [...places, { to: '/operator', name: 'Operator', also: /^\/operator/ }] : places;
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the places scroll, and the one that is open may be out of sight.
  useEffect(() => {
    const open = nav.current?.querySelector<HTMLElement>('[aria-current]');
    if (open) nav.current!.scrollLeft = open.offsetLeft + open.offsetWidth - nav.current!.clientWidth;
  }, [here, all.length]);
  return (
    <header class="top">
      <div class="top-inner">
        <Link to="/" class="brand" aria-label={`${siteName()}, to the market`}>
          <Mark />
          <span>{siteName()}</span>
        </Link>
        <nav aria-label="Pages" ref={nav}>
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
            <LazyWallet />
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

type WalletMenu = ComponentType;

/** Whose login it is: loaded once there is one. */
function LazyWallet() {
  const [menu, setMenu] = useState<{ component: WalletMenu }>();
  useEffect(() => {
    import('./wallet-menu.js').then(
      ({ WalletMenu: component }) => setMenu({ component }),
      () => undefined,
    );
  }, []);
  return menu === undefined ? <span class="wallet-place" /> : <menu.component />;
}
