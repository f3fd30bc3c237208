// Puts the words of a fresh copy of this page into the one that is open, so that there is one renderer: the server's.
const PERIOD_MS = 5000;
const TEXTS = ['connection', 'server', 'client', 'credential', 'token', 'renewal', 'age', 'trouble', 'empty'];

function show(fresh) {
  for (const id of TEXTS) {
    const [shown, next] = [document.getElementById(id), fresh.getElementById(id)];
    // Only what changed, so that a screen reader says it once.
    if (shown.textContent !== next.textContent) shown.textContent = next.textContent;
    if (next.dataset.tone) shown.dataset.tone = next.dataset.tone;
  }
  document.getElementById('rates').replaceChildren(...fresh.getElementById('rates').children);
}

function showSilence() {
  const badge = document.getElementById('connection');
  badge.dataset.tone = 'bad';
  if (badge.textContent !== 'crypto-client does not answer') badge.textContent = 'crypto-client does not answer';
}

async function refresh() {
  try {
    const answer = await window.fetch('/', { signal: AbortSignal.timeout(PERIOD_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    // The session has ended: the page is the one that signs in.
    if (fresh.getElementById('sign-in')) return window.location.reload();
    show(fresh);
  } catch {
    showSilence();
  }
  setTimeout(refresh, PERIOD_MS);
}

setTimeout(refresh, PERIOD_MS);
