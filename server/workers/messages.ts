import type { MetricObject, MetricObjectWithValues, MetricValue } from 'prom-client';

/** Metrics of one process as prom-client hands them on. */
export type Metrics = readonly (MetricObject & Partial<MetricObjectWithValues<MetricValue<string>>>)[];

/** What a worker says to its supervisor: that it listens; that it wants the metrics of all; its own metrics. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'page'; readonly id: number }
  | { readonly type: 'metrics'; readonly id: number; readonly metrics: Metrics };

/** What the supervisor says to a worker: tell your metrics; here are those of all, as text. */
export type ToWorker =
  | { readonly type: 'collect'; readonly id: number }
  | { readonly type: 'text'; readonly id: number; readonly text: string };
