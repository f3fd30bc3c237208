// Opens a session with the password, and shows the page that is guarded by it.
const [form, field, refusal] = ['sign-in', 'password', 'refusal'].map((id) => document.getElementById(id));

async function signIn() {
  const body = JSON.stringify({ password: field.value });
  const answer = await window.fetch('/api/session', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  if (answer.ok) return window.location.reload();
  refusal.textContent = (await answer.json()).detail;
  field.select();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  refusal.textContent = '';
  signIn().catch(() => {
    refusal.textContent = 'crypto-client does not answer.';
  });
});
