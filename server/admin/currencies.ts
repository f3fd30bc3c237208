import { Elysia, t } from 'elysia';
import type { Currencies } from '../rates/currencies';
import { CurrencyInput, CurrencyView } from '../rates/currency-model';
import { type Access, reply } from './access';
import { describeRoute } from './detail';

/** What the routes of currencies need; the catalogue itself tells of its changes. */
export interface CurrencyRoutesOptions {
  readonly access: Access;
  readonly currencies: Currencies;
}

/** The currencies of the market. */
export function currencyRoutes({ access, currencies }: CurrencyRoutesOptions) {
  const causeOf = (request: Request) => ({ actor: access.actorOf(request).name, request });
  return new Elysia({ name: 'admin-currencies' })
    .get('/api/admin/currencies', async () => reply({ items: await currencies.list() }), {
      transform: access.admit,
      response: { 200: t.Object({ items: t.Array(CurrencyView) }) },
      detail: describeRoute('listCurrencies', 'List currencies, the retired ones too'),
    })
    .post(
      '/api/admin/currencies',
      async ({ body, request }) => reply(await currencies.add(body, causeOf(request)), 201),
      {
        parse: access.json,
        body: CurrencyInput,
        response: { 201: CurrencyView },
        detail: describeRoute('addCurrency', 'Add a currency, or bring a retired one back'),
      },
    )
    .post(
      '/api/admin/currencies/:symbol/retire',
      async ({ params, request }) => reply(await currencies.retire(params.symbol, causeOf(request))),
      {
        transform: access.admit,
        response: { 200: CurrencyView },
        detail: describeRoute('retireCurrency', 'Retire a currency', 'It is served no more and keeps its history.'),
      },
    );
}
