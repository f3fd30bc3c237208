import { render } from 'preact';
import { createApi } from './api';
import { App } from './app';

const place = document.getElementById('console');
if (place !== null) {
  let ended = (): void => {};
  const now = (): number => Date.now();
  const api = createApi({ now, signedOut: () => ended() });
  const onEnd = (listener: () => void): void => {
    ended = listener;
  };
  place.replaceChildren(); // what stands there is for browsers without scripts
  render(<App api={api} now={now} onEnd={onEnd} />, place);
}
