// The demo's figures: what `tender build` reports, what the demo found, and the one JSON line that scripts read.
// A report is read from a file that another process wrote, so its shape is checked and never assumed.
import { z } from 'zod';
import { err, ok, type Result } from '../../base/result.ts';
import type { Comparison } from './compare.ts';

const count = z.number().min(0);
const workerShape = z.object({ name: z.string(), units: count, cpuMs: count, bytesIn: count, bytesOut: count });
const reportShape = z.object({
  units: count,
  remote: count,
  local: count,
  reasons: z.record(z.string(), count),
  doubled: count,
  retried: count,
  workers: z.array(workerShape),
  clientCpuMsPerUnit: count,
  launcherCpuMs: count,
  launcherCpuMsMedian: count,
  agentCpuMs: count,
  agentCpuMsMedian: count,
  wallMs: count,
});

/** The fields of the build's report (`../report.ts`) that the demo needs; bytes as the client's agent saw them. */
export type FarmReport = z.infer<typeof reportShape>;

/** Reads the text of a `TENDER_REPORT` file; fields that the demo does not know are dropped. */
export function parseReport(text: string): Result<FarmReport, { message: string }> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err({ message: 'the build report is not JSON' });
  }
  const parsed = reportShape.safeParse(json);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return err({ message: `the build report is not as expected: ${issue?.path.join('.')}: ${issue?.message}` });
}

/**
 * Several `tender build` runs (configure, build) as one: counts are added; CPU figures are those of the run with the
 * most units, since a run without units would only blur them.
 */
export function mergeReports(reports: readonly [FarmReport, ...FarmReport[]]): FarmReport {
  const main = reports.reduce((most, report) => (report.units > most.units ? report : most));
  const sum = (field: 'units' | 'remote' | 'local' | 'doubled' | 'retried' | 'wallMs'): number =>
    reports.reduce((total, report) => total + report[field], 0);
  const reasons: Record<string, number> = {};
  const workers: FarmReport['workers'] = [];
  for (const report of reports) {
    for (const [reason, times] of Object.entries(report.reasons)) reasons[reason] = (reasons[reason] ?? 0) + times;
    for (const worker of report.workers) {
      const known = workers.find((entry) => entry.name === worker.name);
      if (known === undefined) workers.push({ ...worker });
      else for (const field of ['units', 'cpuMs', 'bytesIn', 'bytesOut'] as const) known[field] += worker[field];
    }
  }
  return {
    ...main,
    units: sum('units'),
    remote: sum('remote'),
    local: sum('local'),
    doubled: sum('doubled'),
    retried: sum('retried'),
    wallMs: sum('wallMs'),
    reasons,
    workers: workers.sort((a, b) => a.name.localeCompare(b.name)),
  };
}

export interface DemoResult {
  readonly project: string;
  readonly network: 'namespaces' | 'loopback';
  readonly report: FarmReport;
  readonly comparison: Comparison;
  readonly wallMs: number;
  readonly localWallMs: number;
  readonly chaos: { readonly killed: string; readonly frozen: string } | null;
  /** Why the demo did not show what it should; empty: all is well. */
  readonly faults: readonly string[];
}

/** Reasons of units that another machine could have taken; every other reason is a command line that must stay. */
const COULD_TRAVEL: ReadonlySet<string> = new Set(['own-slot', 'nobody', 'failed', 'queue-full']);

/** How many of the local units could have travelled. */
export function countStranded(report: FarmReport): number {
  return Object.entries(report.reasons)
    .filter(([reason]) => COULD_TRAVEL.has(reason))
    .reduce((sum, [, times]) => sum + times, 0);
}

/** What is wrong with a finished farm build; `expectedUnits` null: the project's units are not known beforehand. */
export function judge(found: {
  report: FarmReport;
  comparison: Comparison;
  expectedUnits: number | null;
  chaosAsked: boolean;
  chaosStruck: boolean;
}): readonly string[] {
  const { report, comparison } = found;
  const faults: string[] = [];
  const differing = comparison.differences.length;
  if (differing > 0) faults.push(`${differing} of ${comparison.files} files differ from the local build`);
  if (comparison.units === 0)
    faults.push('the build made no object: is it built already, or does its command clean up?');
  else if (report.units === 0)
    faults.push('no compile reached Tender: does the build call its compiler by an absolute path?');
  else if (report.remote === 0) faults.push('no unit was compiled on a worker');
  if (found.expectedUnits !== null && report.units < found.expectedUnits) {
    faults.push(`${found.expectedUnits - report.units} of ${found.expectedUnits} units never reached Tender`);
  }
  const stranded = countStranded(report);
  // A unit that lost three workers is right to be compiled here; chaos is about what is complete and identical.
  if (stranded > 0 && !found.chaosAsked) faults.push(`${stranded} units that could travel were compiled here`);
  const stayed = report.local - stranded;
  if (found.expectedUnits !== null && stayed > 0)
    faults.push(`${stayed} units of a project that travels whole stayed here`);
  if (found.chaosAsked && !found.chaosStruck) faults.push('the build ended before a worker could be killed');
  return faults;
}

/** The last line of `tender demo --json`, without its newline. */
export function toJsonLine(result: DemoResult): string {
  const { report, comparison } = result;
  return JSON.stringify({
    ok: result.faults.length === 0,
    project: result.project,
    network: result.network,
    units: report.units,
    remote: report.remote,
    local: report.local,
    reasons: report.reasons,
    doubled: report.doubled,
    retried: report.retried,
    identical: comparison.units - comparison.differingUnits,
    differing: comparison.differingUnits,
    filesCompared: comparison.files,
    filesDiffering: comparison.differences.length,
    clientCpuMsPerUnit: round(report.clientCpuMsPerUnit),
    launcherCpuMsMedian: round(report.launcherCpuMsMedian),
    agentCpuMsMedian: round(report.agentCpuMsMedian),
    wallMs: Math.round(result.wallMs),
    localWallMs: Math.round(result.localWallMs),
    workers: report.workers,
    chaos: result.chaos,
    faults: result.faults,
  });
}

const round = (ms: number): number => Math.round(ms * 100) / 100;
