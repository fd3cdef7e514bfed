import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.js';
import { patienceMs, silenceInWords, WalletRefusal } from './wallets.js';

/** A wallet that is being asked. It may never answer, and whoever waits may give up: then its answer is not used. */
export interface WalletWait {
  /** Which wallet, and whether it has been silent for long; undefined while none is asked. */
  now: { name: string; isSlow: boolean } | undefined;
  /**
   * Asks a wallet. `work` looks at the signal after each answer, and does nothing with one that nobody waits for.
   *
   * @throws WalletRefusal if the person gives up; what `work` throws.
   */
  ask<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  giveUp(): void;
}

/** Leaving the component gives up, too. */
export function useWalletWait(): WalletWait {
  const [now, setNow] = useState<WalletWait['now']>();
  const running = useRef<AbortController>(undefined);
  const giveUp = () => running.current?.abort();
  useEffect(() => giveUp, []);
  return {
    now,
    giveUp,
    async ask(name, work) {
      giveUp();
      const mine = new AbortController();
      running.current = mine;
      setNow({ name, isSlow: false });
      const timer = setTimeout(() => setNow({ name, isSlow: true }), patienceMs);
      try {
        return await Promise.race([work(mine.signal), givenUp(name, mine.signal)]);
      } finally {
        clearTimeout(timer);
        mine.abort();
        if (running.current === mine) setNow(undefined);
      }
    },
  };
}

async function givenUp(name: string, signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const words = `You stopped waiting for ${name}. What it signs now is not used: you may close it there.`;
    signal.addEventListener('abort', () => reject(new WalletRefusal(words)));
  });
}

interface WaitingForProps {
  of: WalletWait;
  /** What the wallet is asked at the moment. */
  said?: string;
}

/** What the wallet is asked, what to do if it shows nothing, and a way out. */
export function WaitingFor({ of: { now, giveUp }, said = '' }: WaitingForProps) {
  return (
    <div class="wallet-wait">
      <div role="status" aria-live="polite" class="stack tight small">
        {said !== '' && <p class="wallet-said">{said}</p>}
        {now?.isSlow === true && (
          <p>
            <bdi dir="ltr">{silenceInWords(now.name)}</bdi>
          </p>
        )}
      </div>
      {now !== undefined && (
        <Button size="s" onClick={giveUp}>
          Stop waiting
        </Button>
      )}
    </div>
  );
}
