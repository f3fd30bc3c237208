import { render } from 'preact';
import { App } from './app';

const place = document.getElementById('dashboard');
if (place !== null) {
  place.replaceChildren(); // what stands there is for browsers without scripts
  render(
    <App
      now={() => Date.now()}
      elapsed={() => performance.now()}
      open={(url) => new EventSource(url)}
      schedule={(delayMs, run) => {
        const timer = setTimeout(run, delayMs);
        return () => clearTimeout(timer);
      }}
    />,
    place,
  );
}
