// The administrator's console at `/`: one page, its script and its styles. Apart from admin/, because it can do nothing by
// itself: whatever it shows and changes goes through the admin API.
import { bundlePage } from '../../kit/http/bundle' with { type: 'macro' };
import { singlePageRoutes } from '../../kit/http/single-page';
import icon from './page/icon.svg' with { type: 'text' };
import base from './page/styles/base.css' with { type: 'text' };
import blocks from './page/styles/blocks.css' with { type: 'text' };
import dialogs from './page/styles/dialogs.css' with { type: 'text' };
import forms from './page/styles/forms.css' with { type: 'text' };
import frame from './page/styles/frame.css' with { type: 'text' };
import narrow from './page/styles/narrow.css' with { type: 'text' };
import tables from './page/styles/tables.css' with { type: 'text' };

/** Routes of the console. */
export function consoleRoutes() {
  return singlePageRoutes({
    name: 'console',
    title: 'crypto-server console',
    withoutScript: '<p>The console needs JavaScript. The API is described at <a href="/docs">/docs</a>.</p>',
    script: bundlePage('server/console/page/main.tsx'),
    // What says what a narrow screen is like has the last word.
    styles: [base, frame, blocks, tables, forms, dialogs, narrow].join('\n'),
    icon: String(icon),
  });
}
