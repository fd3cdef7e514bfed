import { Component, type ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { comebacks, reach } from '../live/index.js';
import { Empty, Skeleton, Button, LinkButton } from '../parts/index.js';
import { Asks } from './asks.js';
import { Banner } from './banner.js';
import { Footer } from './footer.js';
import { Header } from './header.js';
import { shown, showPage } from './lazy-page.js';
import { PageHead } from './page.js';
import { path, query, restoreScroll } from './router.js';
import { Toasts } from './toasts.js';

/** Everything around a page. */
export function Shell() {
  const at = path.value;
  const attempt = shown.value === 'failed' ? comebacks.value : 0;
  useEffect(() => void showPage(at), [at, attempt]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Header />
      <Banner />
      <main id="main" tabIndex={-1} data-reach={reach.value}>
        <Page />
      </main>
      <Footer />
      <Toasts />
      <Asks />
    </>
  );
}

function Page() {
  const current = shown.value;
  const key = typeof current === 'object' ? `${current.route.path} ${JSON.stringify(current.params)}` : current;
  useLayoutEffect(restoreScroll, [key]);
  if (current === undefined) return <Skeleton lines={4} height={3} />;
  if (current === 'missing')
    return (
      <>
        <PageHead title="Nothing here" />
        <Empty title="There is no page at this address" action={<LinkButton to="/">To the market</LinkButton>} />
      </>
    );
  if (current === 'failed')
    return (
      <>
        <PageHead title="Not loaded" />
        <Empty
          title="This page could not be loaded"
          action={<Button onClick={() => location.reload()}>Load again</Button>}
        >
          The connection broke off, or the broker has a new version since you opened the console.
        </Empty>
      </>
    );
  const { page: Current, params } = current;
  return (
    <Fault key={key}>
      <Current params={params} query={query.value} />
    </Fault>
  );
}

/** A page that cannot be drawn takes nothing else with it. */
class Fault extends Component<{ children: ComponentChildren }, { isBroken: boolean }> {
  override state = { isBroken: false };

  override componentDidCatch(error: unknown) {
    console.error(error);
    this.setState({ isBroken: true });
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    return (
      <>
        <PageHead title="Not shown" />
        <Empty title="This page does not work" action={<Button onClick={() => location.reload()}>Load again</Button>}>
          Something in it failed. Nothing was sent, and your jobs are not affected.
        </Empty>
      </>
    );
  }
}
