// Figures of the process, as one page tells them of several.
import { expect, test } from 'bun:test';
import { AggregatorRegistry, Registry } from 'prom-client';
import { watchProcess } from './process';

test('of several processes the oldest tells when they began; their memory is added up', async () => {
  const registry = new Registry();
  watchProcess(registry);
  const one = await registry.getMetricsAsJSON();
  const read = async (name: string, of: Pick<Registry, 'getSingleMetric'>) =>
    (await of.getSingleMetric(name)?.get())?.values[0]?.value;
  const began = await read('process_start_time_seconds', registry);
  const later = one.map((metric) =>
    metric.name === 'process_start_time_seconds' ? { ...metric, values: [{ value: began! + 60, labels: {} }] } : metric,
  );
  const all = AggregatorRegistry.aggregate([later, one]);
  expect(await read('process_start_time_seconds', all)).toBe(began);
  expect(await read('process_resident_memory_bytes', all)).toBeGreaterThan(process.memoryUsage.rss() * 1.5);
});
