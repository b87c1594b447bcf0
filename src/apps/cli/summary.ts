// How a build is told to people: the moving line while it runs and the one line that stays.
import type { BuildFigures } from '../report.ts';

/** «212 compiled: 180 on 3 machines, 32 here (own slot 30, probe 2), 3 doubled; saved about 4 min». */
export function summarise(figures: BuildFigures, wallMs: number, ownCores: number): string {
  if (figures.units === 0) {
    const others = figures.others > 0 ? ` (${figures.others} calls were links, probes or questions)` : '';
    return `no compile came through Tender${others}; a build directory configured earlier may name the compiler by its full path`;
  }
  const machines = figures.workers.filter((worker) => worker.units > 0).length;
  const parts = [];
  if (figures.remote > 0) parts.push(`${figures.remote} on ${machines} ${machines === 1 ? 'machine' : 'machines'}`);
  if (figures.stored > 0) parts.push(`${figures.stored} from the store`);
  if (figures.local > 0) parts.push(`${figures.local} here (${reasonsText(figures.reasons)})`);
  if (figures.doubled > 0) parts.push(`${figures.doubled} doubled`);
  if (figures.retried > 0) parts.push(`${figures.retried} tried again`);
  if (figures.failed > 0) parts.push(`${figures.failed} with errors`);
  if (figures.cancelled > 0) parts.push(`${figures.cancelled} cancelled`);
  const saved = savedMs(figures, wallMs, ownCores);
  return `${figures.units} compiled: ${parts.join(', ')}${saved >= 1000 ? `; saved about ${duration(saved)}` : ''}`;
}

/**
 * The CPU time of all units (those that ran here counted as the others' mean) spread over our own cores, less the time the build
 * took. Time that a worker spent waiting for its own processor is not counted as saved.
 */
function savedMs(figures: BuildFigures, wallMs: number, ownCores: number): number {
  const compiled = figures.remote + figures.stored;
  if (compiled === 0) return 0;
  const cpuMs = figures.workers.reduce((sum, worker) => sum + worker.cpuMs, figures.storedCpuMs);
  return Math.max(0, ((cpuMs / compiled) * figures.units) / ownCores - wallMs);
}

function reasonsText(reasons: Record<string, number>): string {
  return Object.entries(reasons)
    .sort((a, b) => b[1] - a[1])
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
}

export function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 90) return `${s} s`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min`;
  return `${(s / 3600).toFixed(1)} h`;
}

/** One line, at most `columns` wide: done, where, in flight, elapsed. */
export function progressLine(
  figures: BuildFigures,
  inFlight: Record<string, number>,
  elapsedMs: number,
  columns: number,
): string {
  const flying = Object.entries(inFlight)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`);
  if (figures.runningHere > 0) flying.push(`here ${figures.runningHere}`);
  if (figures.waiting > 0) flying.push(`waiting ${figures.waiting}`);
  const failed = figures.failed > 0 ? `, ${figures.failed} failed` : '';
  const stored = figures.stored > 0 ? `${figures.stored} from the store, ` : '';
  const line =
    `tender ${duration(elapsedMs)} │ ${figures.units} done: ${figures.remote} remote, ${stored}${figures.local} here${failed}` +
    (flying.length > 0 ? ` │ now ${flying.join(', ')}` : '');
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
