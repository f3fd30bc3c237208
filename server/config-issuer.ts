import { schemeOf } from '../kit/http/listen';
import { isLoopbackName } from '../kit/http/origin';

/** The issuer of a server on loopback that was given none; with `tls` it is served over https. */
export function ownIssuer({ tls }: { readonly tls: object | null }, port: number): string {
  return `${schemeOf(tls)}://localhost:${port}`;
}

/** Why this server can not be that issuer, a sentence each. */
export function issuerFaults(values: {
  readonly HOST: string;
  readonly ISSUER: string | null;
  readonly TLS_CERT_FILE: string | null;
}): string[] {
  const { HOST, ISSUER, TLS_CERT_FILE } = values;
  if (ISSUER === null)
    return isLoopbackName(HOST)
      ? []
      : [
          `ISSUER is required while HOST (${HOST}) is not a loopback address: the public base URL, such as https://auth.example.com`,
        ];
  return TLS_CERT_FILE !== null && ISSUER.startsWith('http:')
    ? [`ISSUER is ${ISSUER}, and with TLS_CERT_FILE the server answers https alone: write https`]
    : [];
}
