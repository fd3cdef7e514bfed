/**
 * What every page has at hand, in one file of the build: without this, each set of pages that share something would get
 * a file of its own, and a page would load a dozen of them. It belongs to every file of the console, by the build.
 */
import 'preact';
import 'preact/hooks';
import 'preact/jsx-runtime';
import '@preact/signals';
import '../live/index.js';
import '../parts/index.js';
import './link.js';
import './match.js';
import './page.js';
import './router.js';
