import type { Point } from '../market';

const [WIDTH, HEIGHT, EDGE] = [100, 28, 2];

/** The last hour as a line; it says nothing that the row does not say in numbers. */
export function Sparkline({ points }: { readonly points: readonly Point[] }) {
  const path = pathOf(points);
  if (path === '') return null;
  const tone = (points.at(-1)?.[1] ?? 0) >= (points[0]?.[1] ?? 0) ? 'up' : 'down';
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      data-tone={tone}
      aria-hidden="true"
    >
      <path class="spark-ground" d={`${path}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />
      <path class="spark-line" d={path} />
    </svg>
  );
}

function pathOf(points: readonly Point[]): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return '';
  const rates = points.map(([, rate]) => rate);
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const [time, range] = [Math.max(1, last[0] - first[0]), high - low];
  const x = (atMs: number): string => (((atMs - first[0]) / time) * WIDTH).toFixed(1);
  const y = (rate: number): string =>
    (range === 0 ? HEIGHT / 2 : HEIGHT - EDGE - ((rate - low) / range) * (HEIGHT - 2 * EDGE)).toFixed(1);
  return points.map(([atMs, rate], at) => `${at === 0 ? 'M' : 'L'}${x(atMs)} ${y(rate)}`).join('');
}
