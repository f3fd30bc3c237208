const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** The last `width` values as one block each, the lowest at the bottom and the highest at the top; equal ones in the middle. Set to the right. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const low = Math.min(...shown);
  const range = Math.max(...shown) - low;
  const level = (value: number): string => {
    const share = range > 0 ? (value - low) / range : 0.5;
    return LEVELS[Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length))] ?? '';
  };
  return shown.map(level).join('').padStart(Math.max(0, width));
}
