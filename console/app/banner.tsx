import { awaySinceMs, isLost, logOut, reach, requireLogin, second } from '../live/index.js';
import { Button, shortDuration } from '../parts/index.js';

/** Says across all pages what is not as it should be, and goes away by itself. */
export function Banner() {
  return (
    <div class="banners" role="status" aria-live="polite">
      {reach.value === 'offline' && (
        <p class="banner tone-warn">
          <b>You are offline.</b> What you see is what was read last. Nothing is sent until the network is back.
        </p>
      )}
      {reach.value === 'away' && (
        <p class="banner tone-warn">
          <b>The broker does not answer.</b> What you see is what was read last. <Since />
        </p>
      )}
      {isLost.value && (
        <div class="banner tone-bad">
          <span>
            <b>Your login has ended,</b> here or in another tab. Your jobs go on.
          </span>
          <span class="row">
            <Button size="s" kind="main" onClick={() => void requireLogin()}>
              Connect again
            </Button>
            <Button size="s" onClick={() => void logOut().catch(() => undefined)}>
              Log out
            </Button>
          </span>
        </div>
      )}
    </div>
  );
}

function Since() {
  void second.value;
  const sinceMs = awaySinceMs.value;
  if (sinceMs === undefined) return null;
  return (
    <span aria-hidden="true">No answer for {shortDuration((Date.now() - sinceMs) / 1000)}; it is tried again.</span>
  );
}
