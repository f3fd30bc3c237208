/** The page at `/`: it shows and changes what the client's API tells and does, and can do nothing by itself. Its script runs in a browser, so nothing in page/ is imported from elsewhere. */
import chart from 'uplot/dist/uPlot.min.css' with { type: 'text' };
import { bundlePage } from '../../kit/http/bundle' with { type: 'macro' };
import { singlePageRoutes } from '../../kit/http/single-page';
import icon from './page/icon.svg' with { type: 'text' };
import base from './page/styles/base.css' with { type: 'text' };
import frame from './page/styles/frame.css' with { type: 'text' };
import market from './page/styles/market.css' with { type: 'text' };
import narrow from './page/styles/narrow.css' with { type: 'text' };
import views from './page/styles/views.css' with { type: 'text' };

/** Routes of the page and its files. */
export function dashboardRoutes() {
  return singlePageRoutes({
    name: 'dashboard',
    title: 'crypto-client',
    withoutScript:
      '<p>This page needs JavaScript. The rates are at <a href="/api/currencies">/api/currencies</a>, the API is described at <a href="/docs">/docs</a>.</p>',
    script: bundlePage('client/dashboard/page/main.tsx'),
    // What says what a narrow screen and paper are like has the last word.
    styles: [chart, base, frame, market, views, narrow].join('\n'),
    icon: String(icon),
  });
}
