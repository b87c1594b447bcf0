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
  clientCpuMsPerUnit: count.nullable(),
  wallMs: count,
});

/** One worker's share of a build; bytes as the client's agent received (in) and sent (out) them. */
export type WorkerReport = z.infer<typeof workerShape>;

/** What `tender build` writes as JSON to the file named by `TENDER_REPORT`. */
export type BuildReport = z.infer<typeof reportShape>;

/** Reads the text of a `TENDER_REPORT` file; fields that the demo does not know are dropped. */
export function parseReport(text: string): Result<BuildReport, { message: string }> {
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

/** Several `tender build` runs as one: counts are added, client CPU is weighted by units. */
export function mergeReports(reports: readonly BuildReport[]): BuildReport {
  const merged: BuildReport = {
    units: 0,
    remote: 0,
    local: 0,
    reasons: {},
    doubled: 0,
    retried: 0,
    workers: [],
    clientCpuMsPerUnit: null,
    wallMs: 0,
  };
  let clientCpuMs = 0;
  for (const report of reports) {
    for (const field of ['units', 'remote', 'local', 'doubled', 'retried', 'wallMs'] as const) {
      merged[field] += report[field];
    }
    for (const [reason, times] of Object.entries(report.reasons)) {
      merged.reasons[reason] = (merged.reasons[reason] ?? 0) + times;
    }
    for (const worker of report.workers) {
      const known = merged.workers.find((entry) => entry.name === worker.name);
      if (known === undefined) merged.workers.push({ ...worker });
      else for (const field of ['units', 'cpuMs', 'bytesIn', 'bytesOut'] as const) known[field] += worker[field];
    }
    clientCpuMs += (report.clientCpuMsPerUnit ?? 0) * report.units;
  }
  merged.workers.sort((a, b) => a.name.localeCompare(b.name));
  if (merged.units > 0) merged.clientCpuMsPerUnit = clientCpuMs / merged.units;
  return merged;
}

/** Client CPU of the farm build, as measured from outside; ms in all. */
export interface ClientCpu {
  readonly agentMs: number;
  /** The launchers' and their shells'; null where the build tool does not let us tell them from its other children. */
  readonly launchersMs: number | null;
}

export interface DemoResult {
  readonly project: string;
  readonly network: 'namespaces' | 'loopback';
  readonly report: BuildReport;
  readonly comparison: Comparison;
  readonly clientCpu: ClientCpu;
  readonly wallMs: number;
  readonly localWallMs: number;
  readonly chaos: { readonly killed: string; readonly frozen: string } | null;
  /** Why the demo did not show what it should; empty: all is well. */
  readonly faults: readonly string[];
}

/** Reasons of units that another machine could have taken; every other reason is a command line that must stay. */
const COULD_TRAVEL: ReadonlySet<string> = new Set(['own-slot', 'nobody', 'failed', 'queue-full']);

/** How many of the local units could have travelled. */
export function countStranded(report: BuildReport): number {
  return Object.entries(report.reasons)
    .filter(([reason]) => COULD_TRAVEL.has(reason))
    .reduce((sum, [, times]) => sum + times, 0);
}

/** Launchers and agent over units; the agent's own figure where launchers could not be told apart. Null: no unit. */
export function clientCpuMsPerUnit(report: BuildReport, cpu: ClientCpu): number | null {
  if (report.units === 0) return null;
  if (cpu.launchersMs === null) return report.clientCpuMsPerUnit ?? cpu.agentMs / report.units;
  return (cpu.agentMs + cpu.launchersMs) / report.units;
}

/** What is wrong with a finished farm build; `expectedUnits` null: the project's units are not known beforehand. */
export function judge(found: {
  report: BuildReport;
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
  if (found.chaosAsked && !found.chaosStruck) faults.push('the build ended before a worker could be killed');
  return faults;
}

/** The last line of `tender demo --json`, without its newline. */
export function toJsonLine(result: DemoResult): string {
  const { report, comparison } = result;
  const perUnit = clientCpuMsPerUnit(report, result.clientCpu);
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
    clientCpuMsPerUnit: perUnit === null ? null : Math.round(perUnit * 100) / 100,
    wallMs: Math.round(result.wallMs),
    localWallMs: Math.round(result.localWallMs),
    workers: report.workers,
    chaos: result.chaos,
    faults: result.faults,
  });
}
