import { describe, expect, test } from '@jest/globals';
import { match, segment } from '../../console/app/match.js';
import { otherAudience } from '../../console/connect/audience.js';

const routes = [{ path: '/' }, { path: '/jobs' }, { path: '/jobs/:id' }, { path: '/provider/:id' }];

describe('addresses of the console', () => {
  test.each([
    ['/', '/', {}],
    ['', '/', {}],
    ['/jobs', '/jobs', {}],
    ['/jobs/', '/jobs', {}],
    ['/jobs/1f0c-9', '/jobs/:id', { id: '1f0c-9' }],
    ['/provider/a%2Fb%2Ec', '/provider/:id', { id: 'a/b.c' }],
  ])('"%s" is the page %s', (path, route, params) => {
    expect(match(routes, path)).toEqual({ route: { path: route }, params });
  });

  test.each(['/job', '/jobs/1/2', '/provider', '/jobs/%E0%A4%A', '/__proto__'])('"%s" is no page', (path) => {
    expect(match(routes, path)).toBeUndefined();
  });

  test.each(['a/b', 'a.b', '..', '%2F', 'ä ö', '<img onerror=x>', '?#'])(
    'whatever text becomes one segment without a dot, and comes back: %s',
    (text) => {
      const made = segment(text);
      expect(made).not.toMatch(/[/.?#<> ]/);
      expect(match(routes, `/jobs/${made}`)?.params).toEqual({ id: text });
    },
  );
});

describe('the name that a broker has for itself', () => {
  const here = { origin: 'http://127.0.0.1:80', pathname: '/console/rent', search: '?gpu=h100', hash: '' };

  test('where it is that of the page, or is not known, there is nothing to say', () => {
    expect(otherAudience(here.origin, here)).toBeUndefined();
    expect(otherAudience(undefined, here)).toBeUndefined();
  });

  test('where it is another, the same page there is named', () => {
    expect(otherAudience('https://broker.example.com', here)).toEqual({
      text: expect.stringContaining('calls itself https://broker.example.com'),
      link: new URL('https://broker.example.com/console/rent?gpu=h100'),
    });
  });

  test.each(['//evil.example/console/', '///evil.example', '/\\evil.example'])(
    'a path such as %s leads to no other host than that of the broker',
    (pathname) => {
      const link = otherAudience('https://broker.example.com', { ...here, pathname })?.link;
      expect([link?.host, link?.search]).toEqual(['broker.example.com', '?gpu=h100']);
      expect(link?.pathname).not.toMatch(/^\/\//);
    },
  );

  test.each(['javascript:alert(1)', 'data:text/html,x', 'broker'])('%s is said, and is no link', (audience) => {
    expect(otherAudience(audience, here)?.link).toBeUndefined();
  });
});
