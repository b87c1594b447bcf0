// What a build did, counted: the progress line, the summary and the report of `tender build` are views of these.
import type { BuildId } from '../../core/types.ts';
import { emptyFigures, type BuildFigures, type BuildReport, type WorkerFigures } from '../report.ts';

const buildsKept = 32;
const unitsPerSample = 4;

interface RunningBuild {
  readonly cpuAtStartMs: number;
  cpuAtUnitMs: number;
  /** Agent CPU per unit, each a mean over a few that were answered one after the other. */
  readonly agentMs: number[];
  readonly launcherMs: number[];
}

export class Figures {
  readonly builds = new Map<BuildId, BuildFigures>();
  /** The machine's life so far, all builds together. */
  readonly total = emptyFigures();
  /** Hears of each compile that another machine made. */
  onRemote: () => void = () => undefined;

  private readonly running = new Map<BuildId, RunningBuild>();

  /** Opens a build of `tender build`: the point from which CPU is counted. */
  start(build: BuildId): void {
    const cpuAtStartMs = agentCpuMs();
    this.running.set(build, { cpuAtStartMs, cpuAtUnitMs: cpuAtStartMs, agentMs: [], launcherMs: [] });
  }

  /** A unit of the build has been answered by `R`: the launcher says what CPU it took itself. */
  unitAnswered(build: BuildId, launcherCpuMs: number): void {
    const running = this.running.get(build);
    if (running === undefined) return;
    running.launcherMs.push(launcherCpuMs);
    // Asking the kernel costs as much as a part of the unit itself.
    if (running.launcherMs.length % unitsPerSample !== 0) return;
    const now = agentCpuMs();
    running.agentMs.push((now - running.cpuAtUnitMs) / unitsPerSample);
    running.cpuAtUnitMs = now;
  }

  /** Closes a build and gives its figures; the wall time is the CLI's to fill in. */
  end(build: BuildId): BuildReport {
    const figures = this.of(build);
    const running = this.running.get(build);
    this.running.delete(build);
    const spentMs = running === undefined ? 0 : agentCpuMs() - running.cpuAtStartMs;
    const launcherMs = running?.launcherMs.reduce((sum, ms) => sum + ms, 0) ?? 0;
    return {
      ...figures,
      agentCpuMs: round(spentMs),
      launcherCpuMs: round(launcherMs),
      launcherCpuMsMedian: round(median(running?.launcherMs ?? [])),
      agentCpuMsMedian: round(median(running?.agentMs ?? [])),
      clientCpuMsPerUnit: figures.units === 0 ? 0 : round((spentMs + launcherMs) / figures.units),
      wallMs: 0,
    };
  }

  of(build: BuildId): BuildFigures {
    let figures = this.builds.get(build);
    if (figures === undefined) {
      figures = emptyFigures();
      this.builds.set(build, figures);
      for (const oldest of this.builds.keys()) {
        if (this.builds.size <= buildsKept) break;
        if (!this.running.has(oldest)) this.builds.delete(oldest);
      }
    }
    return figures;
  }

  /** Applies a change to a build's figures and to the total. */
  count(build: BuildId, change: (figures: BuildFigures) => void): void {
    change(this.of(build));
    change(this.total);
  }

  local(build: BuildId, reason: string): void {
    this.count(build, (figures) => {
      figures.units++;
      figures.local++;
      figures.reasons[reason] = (figures.reasons[reason] ?? 0) + 1;
    });
  }

  remote(build: BuildId, worker: string, ended: { cpuMs: number; ranMs: number; failed: boolean }): void {
    this.onRemote();
    this.count(build, (figures) => {
      figures.units++;
      figures.remote++;
      figures.remoteRanMs += ended.ranMs;
      if (ended.failed) figures.failed++;
      const of = workerOf(figures, worker);
      of.units++;
      of.cpuMs += ended.cpuMs;
      of.ranMs += ended.ranMs;
    });
  }

  /** A unit whose result lay in the store; what it took when it was compiled was not spent again. */
  stored(build: BuildId, took: { cpuMs: number }): void {
    this.count(build, (figures) => {
      figures.units++;
      figures.stored++;
      figures.storedCpuMs += took.cpuMs;
    });
  }

  bytes(build: BuildId, worker: string, bytesIn: number, bytesOut: number): void {
    this.count(build, (figures) => {
      const of = workerOf(figures, worker);
      of.bytesIn += bytesIn;
      of.bytesOut += bytesOut;
    });
  }
}

function workerOf(figures: BuildFigures, name: string): WorkerFigures {
  let found = figures.workers.find((worker) => worker.name === name);
  if (found === undefined) {
    found = { name, units: 0, cpuMs: 0, ranMs: 0, bytesIn: 0, bytesOut: 0 };
    figures.workers.push(found);
  }
  return found;
}

function agentCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
