/**
 * What pages are made of. Each part has its own file with its props explained; their look is in `styles/parts/`.
 *
 * Strangers' text (names of providers, jobs and images, messages of machines) goes through `<Untrusted>`, and never
 * into `href`, `style`, `class` or `key` of anything but a list. Amounts go through `<Money>` and `<Price>`, times
 * through `<Time>`, `<Countdown>` and `<Duration>`, what was read through `<Loaded>`.
 */
export { figureOf, partOf, priceFigure } from './amounts.js';
export { Bar } from './bar.js';
export { Button, LinkButton, type ButtonProps } from './button.js';
export { Card } from './card.js';
export { ConnectFirst } from './connect-first.js';
export { CommandLine, Copy } from './copy.js';
export { Dialog } from './dialog.js';
export { ErrorNote } from './error-note.js';
export { failureInWords } from './failures.js';
export { Check, Field, Input, Segmented, Select } from './field.js';
export { Loaded } from './loaded.js';
export { Menu, type MenuItem } from './menu.js';
export { Money, Price } from './money.js';
export { Sparkline } from './sparkline.js';
export { Stat, Stats } from './stat.js';
export { Badge, State } from './state.js';
export type { Tone } from './tone.js';
export { Table, type Column } from './table.js';
export { Tabs } from './tabs.js';
export { Age, Countdown, Duration, Elapsed, Time } from './time.js';
export { ageInWords, clockOf, shortDuration, timeInWords } from './times.js';
export { Untrusted } from './untrusted.js';
export { Empty, Skeleton } from './waiting.js';
export { amountInWords, durationInWords, plain, shortAddress } from './words.js';
