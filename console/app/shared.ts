/**
 * What the first page has in common with the others, in one file of the build: without this, each set of pages that
 * share something would get a file of its own, and the first page would load a dozen. It belongs to every file of the
 * console, by the build. What the market does not need has no place here: the first page would pay for it.
 */
import 'preact';
import 'preact/hooks';
import 'preact/jsx-runtime';
import '@preact/signals';
import '../../src/client/errors.js';
import '../live/broker.js';
import '../live/clock.js';
import '../live/reach.js';
import '../live/session.js';
import '../live/toasts.js';
import '../live/use-resource.js';
import '../market/figures.js';
import '../market/when.js';
import '../market/words.js';
import '../parts/amounts.js';
import '../parts/button.js';
import '../parts/card.js';
import '../parts/error-note.js';
import '../parts/field.js';
import '../parts/loaded.js';
import '../parts/money.js';
import '../parts/sparkline.js';
import '../parts/state.js';
import '../parts/table.js';
import '../parts/time.js';
import '../parts/untrusted.js';
import '../parts/waiting.js';
import './link.js';
import './match.js';
import './page.js';
import './router.js';
