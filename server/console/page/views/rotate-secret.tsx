import { useState } from 'preact/hooks';
import { FormDialog } from '../ui/dialog';
import { SelectField, TextField } from '../ui/form';
import { useShell } from '../ui/shell';

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** How long a new secret may live, for a choice. */
export const EXPIRIES = [
  ['', 'Never'],
  [String(30 * DAY), 'After 30 days'],
  [String(90 * DAY), 'After 90 days'],
  [String(180 * DAY), 'After 180 days'],
  [String(365 * DAY), 'After a year'],
] as const;

/** `never` leaves the other secrets as they are. */
const OVERLAPS = [
  [String(DAY), 'After 24 hours'],
  [String(HOUR), 'After one hour'],
  [String(7 * DAY), 'After 7 days'],
  ['0', 'Now: they stop working at once'],
  ['never', 'Not at all: they stay as they are'],
] as const;

/** What the dialog is given. */
export interface RotateSecretProps {
  readonly path: string;
  readonly close: () => void;
  readonly done: (clientSecret: string) => void;
}

/** Makes a new secret and lets the others end after an overlap. */
export function RotateSecret({ path, close, done }: RotateSecretProps) {
  const { api } = useShell();
  const [label, setLabel] = useState('');
  const [expiry, setExpiry] = useState('');
  const [overlap, setOverlap] = useState(String(DAY));
  const act = async (): Promise<void> => {
    const { client_secret } = await api.send<{ client_secret: string }>('POST', path, {
      label,
      expires_in_seconds: expiry === '' ? null : Number(expiry),
      overlap_seconds: overlap === 'never' ? null : Number(overlap),
    });
    done(client_secret);
  };
  return (
    <FormDialog title="Rotate secret" verb="Make new secret" close={close} act={act}>
      <SelectField
        label="The earlier secrets end"
        options={OVERLAPS}
        value={overlap}
        set={setOverlap}
        hint="The overlap is the time you have to put the new one everywhere."
      />
      <TextField
        label="Label (optional)"
        value={label}
        set={setLabel}
        maxLength={64}
        hint="Where it is used, such as “production”."
      />
      <SelectField label="The new secret ends" options={EXPIRIES} value={expiry} set={setExpiry} />
    </FormDialog>
  );
}
