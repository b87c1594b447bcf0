// The demo's result for people: one table, a few totals, one verdict.
import type { DemoResult } from './figures.ts';

const DIFFERENCES_SHOWN = 10;

/** Lines without newlines; the last one is the verdict. */
export function renderResult(result: DemoResult, cores: number): readonly string[] {
  const { report, comparison } = result;
  const rows = report.workers.map((worker) => [
    worker.name + fateOf(worker.name, result),
    String(worker.units),
    `${(worker.cpuMs / 1000).toFixed(1)} s`,
    formatBytes(worker.bytesOut),
    formatBytes(worker.bytesIn),
  ]);
  const lines = [
    '',
    ...renderTable([['worker', 'units', 'CPU', 'sent to it', 'came back'], ...rows]),
    '',
    `remote ${report.remote}, here ${report.local}${formatReasons(report.reasons)}; done twice ${report.doubled}, tried again ${report.retried}`,
    clientLine(result),
    `farm build ${formatSeconds(result.wallMs)}, local build ${formatSeconds(result.localWallMs)}. ${sharedCores(cores)}`,
  ];
  for (const difference of comparison.differences.slice(0, DIFFERENCES_SHOWN)) {
    lines.push(`${difference.kind}: ${difference.path} (${difference.detail})`);
  }
  const more = comparison.differences.length - DIFFERENCES_SHOWN;
  if (more > 0) lines.push(`… and ${more} more`);
  lines.push('', verdict(result));
  return lines;
}

function verdict(result: DemoResult): string {
  if (result.faults.length > 0) return `NOT as it should be: ${result.faults.join('; ')}.`;
  const { comparison, chaos } = result;
  const through = chaos === null ? '' : `, though ${chaos.killed} was killed and ${chaos.frozen} frozen in mid-build`;
  return `All ${comparison.units} objects, ${comparison.files} files with their by-products, are identical to the local build's${through}.`;
}

function fateOf(name: string, result: DemoResult): string {
  if (name === result.chaos?.killed) return ' (killed)';
  return name === result.chaos?.frozen ? ' (frozen)' : '';
}

function clientLine({ report }: DemoResult): string {
  if (report.units === 0) return 'client CPU per unit: no unit';
  const parts = [
    `agent ${(report.agentCpuMs / report.units).toFixed(2)}, median ${report.agentCpuMsMedian.toFixed(2)}`,
    `launcher ${(report.launcherCpuMs / report.units).toFixed(2)}, median ${report.launcherCpuMsMedian.toFixed(2)}`,
  ];
  return `client CPU per unit: ${report.clientCpuMsPerUnit.toFixed(2)} ms (${parts.join('; ')})`;
}

/** Said each time, because the two wall times side by side invite a comparison that they cannot bear. */
function sharedCores(cores: number): string {
  return `Client and workers share the ${cores} cores of this machine: this shows that it works, not how fast it is.`;
}

function formatReasons(reasons: Readonly<Record<string, number>>): string {
  const parts = Object.entries(reasons)
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b))
    .map(([reason, times]) => `${times} ${reason}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** The first column to the left, the others to the right, as figures are read. */
function renderTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   '),
  );
}

function formatBytes(bytes: number): string {
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(0)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
