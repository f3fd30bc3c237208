/** The vault cannot be used, or a row of it cannot; the message says which and what to do. Nothing in it was changed. */
export class VaultFault extends Error {
  override readonly name = 'VaultFault';
}
