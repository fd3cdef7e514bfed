import { Button } from './button.js';

interface ShowMoreProps {
  /** It is being read: the button keeps its place and does nothing more. */
  busy: boolean;
  onClick(): void;
}

/** Below a list in a card: reads what comes after its last row. */
export function ShowMore({ busy, onClick }: ShowMoreProps) {
  return (
    <p class="card-note">
      <Button size="s" busy={busy} onClick={onClick}>
        Show more
      </Button>
    </p>
  );
}
