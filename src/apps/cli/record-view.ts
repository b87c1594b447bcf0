// What `tender record` shows, computed from the record's rows: the fields of `--json`, and the tables for people.
import { HALF_LIFE_MS } from '../../core/record/decay.ts';
import { PastRecord, scopeKey, type RecordData } from '../../core/record/record.ts';
import { duration } from './summary.ts';

export interface KindView {
  readonly kind: string;
  /** Of the latest compiles, at most 256. */
  readonly samples: number;
  readonly p50Ms: number;
  readonly p80Ms: number;
  /** 95th percentile of peaks; null: too few are known. */
  readonly memBytes: number | null;
}

export interface ProjectView {
  readonly project: string;
  readonly units: number;
  readonly kinds: readonly KindView[];
  readonly lastMs: number;
}

export interface WorkerView {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  /** Multiples of this machine. */
  readonly rate: number;
  /** Its rate of late over its rate before: above 1, it became faster. */
  readonly trend: number;
  readonly overheadMs: number;
  readonly lastMs: number;
  readonly rates: readonly { readonly project: string; readonly kind: string; readonly rate: number }[];
}

export interface UnitView {
  readonly label: string;
  readonly project: string;
  readonly kind: string;
  readonly p50Ms: number;
  readonly p80Ms: number;
  readonly memBytes: number | null;
  readonly inputBytes: number | null;
  readonly count: number;
  readonly lastMs: number;
}

export interface RecordView {
  readonly halfLifeDays: number;
  readonly projects: readonly ProjectView[];
  readonly workers: readonly WorkerView[];
  /** Slowest first. */
  readonly units: readonly UnitView[];
}

/** All of it, or of one project. */
export function viewRecord(
  data: RecordData,
  names: ReadonlyMap<string, string>,
  nowMs: number,
  project: string | null = null,
): RecordView {
  const record = PastRecord.import(data, nowMs);
  const wanted = (of: string): boolean => project === null || of === project;
  const units = data.units
    .filter(([of]) => wanted(of))
    .map(([of, kind, label, , , count, mem, inputs, atMs]): UnitView => {
      const { p50Ms, p80Ms } = record.predict(label, kind);
      const about = { memBytes: mem > 0 ? Math.round(mem) : null, inputBytes: inputs > 0 ? inputs : null };
      return { label, project: of, kind, p50Ms, p80Ms, ...about, count, lastMs: atMs };
    });
  const workers = data.workers.map(([id, slowness, long, overheadMs, count, , atMs]): WorkerView => {
    const rates = data.rates
      .filter(([worker, of]) => worker === id && wanted(of))
      .map(([, of, kind]) => ({ project: of, kind, rate: round(record.rate(id, scopeKey(of, kind))) }));
    const trend = round(long / slowness);
    const name = names.get(id) ?? '';
    return {
      id,
      name,
      count,
      rate: round(record.rate(id)),
      trend,
      overheadMs: Math.round(overheadMs),
      lastMs: atMs,
      rates,
    };
  });
  return {
    halfLifeDays: HALF_LIFE_MS / 86_400_000,
    projects: viewProjects(data, record, units).filter(({ project: of }) => wanted(of)),
    workers: workers
      .filter(({ rates }) => project === null || rates.length > 0)
      .sort((a, b) => b.rate - a.rate || b.count - a.count),
    units: units.sort((a, b) => b.p50Ms - a.p50Ms || (a.label < b.label ? -1 : 1)),
  };
}

function viewProjects(data: RecordData, record: PastRecord, units: readonly UnitView[]): ProjectView[] {
  const projects = new Map<string, { kinds: KindView[]; units: number; lastMs: number }>();
  const of = (project: string): { kinds: KindView[]; units: number; lastMs: number } => {
    const known = projects.get(project) ?? { kinds: [], units: 0, lastMs: 0 };
    projects.set(project, known);
    return known;
  };
  for (const [project, kind, samples] of data.kinds) {
    // Under no project: the kind in all of them.
    if (project === '') continue;
    const about = { project };
    const mem = record.memory('', kind, about);
    const memBytes = mem === null ? null : Math.round(mem);
    of(project).kinds.push({ kind, samples: samples.length, ...record.predictClass(kind, about), memBytes });
  }
  for (const { project, lastMs } of units) {
    if (project === '') continue;
    const known = of(project);
    known.units++;
    known.lastMs = Math.max(known.lastMs, lastMs);
  }
  const rows = [...projects].map(([project, known]) => ({ project, ...known }));
  return rows.sort((a, b) => b.lastMs - a.lastMs);
}

const shownUnits = 10;

/** For people: three tables, or what there is instead. */
export function renderRecord(view: RecordView, nowMs: number): string {
  if (view.projects.length + view.workers.length + view.units.length === 0) {
    return 'Nothing is recorded yet; it comes with the first build.';
  }
  const parts: string[] = [];
  if (view.projects.length > 0) {
    const rows = view.projects.flatMap(({ project, kinds, units, lastMs }) =>
      kinds.map(({ kind, p50Ms, p80Ms, memBytes }, i) => [
        ...(i === 0 ? [project, String(units), ago(lastMs, nowMs)] : ['', '', '']),
        kind,
        took(p50Ms),
        took(p80Ms),
        memBytes === null ? '' : mib(memBytes),
      ]),
    );
    parts.push(table(['project', 'units', 'last', 'kind', 'p50', 'p80', 'memory'], rows));
  }
  if (view.workers.length > 0)
    parts.push(
      table(
        workerHead,
        view.workers.map((worker) => workerRow(worker, nowMs)),
      ),
    );
  if (view.units.length > 0) {
    parts.push(
      table(
        unitHead,
        view.units.slice(0, shownUnits).map((unit) => unitRow(unit, nowMs)),
      ),
    );
    if (view.units.length > shownUnits)
      parts.push(`These are the slowest of ${view.units.length} units; --json names all.`);
  }
  return parts.join('\n\n');
}

/** One unit or worker, or the several that a name fits. */
export function renderFound(found: Pick<RecordView, 'units' | 'workers'>, nowMs: number): string {
  const parts: string[] = [];
  if (found.units.length > 0) {
    parts.push(
      table(
        [...unitHead, 'kind'],
        found.units.map((unit) => [...unitRow(unit, nowMs), unit.kind]),
      ),
    );
  }
  for (const worker of found.workers) {
    parts.push(table(workerHead, [workerRow(worker, nowMs)]));
    const rates = worker.rates.map(({ project, kind, rate }) => [times(rate), project, kind]);
    if (rates.length > 0) parts.push(table(['rate', 'in project', 'kind'], rates));
  }
  return parts.join('\n\n');
}

/** Units whose path is or ends with `name`, and workers of that name or identity. */
export function find(view: RecordView, name: string): Pick<RecordView, 'units' | 'workers'> {
  const fits = ({ label }: UnitView): boolean => label === name || label.endsWith(`/${name.replace(/^\.?\//, '')}`);
  const isIt = ({ id, name: known }: WorkerView): boolean =>
    known === name || (name.length >= 4 && id.startsWith(name));
  return { units: view.units.filter(fits), workers: view.workers.filter(isIt) };
}

const workerHead = ['worker', 'results', 'rate', 'trend', 'overhead', 'last'];
const unitHead = ['unit', 'p50', 'p80', 'memory', 'inputs', 'seen', 'last'];

function workerRow(worker: WorkerView, nowMs: number): string[] {
  const { id, name, count, rate, trend, overheadMs, lastMs } = worker;
  return [
    name === '' ? id.slice(0, 12) : name,
    String(count),
    times(rate),
    trendInWords(trend),
    took(overheadMs),
    ago(lastMs, nowMs),
  ];
}

function unitRow({ label, p50Ms, p80Ms, memBytes, inputBytes, count, lastMs }: UnitView, nowMs: number): string[] {
  const sizes = [memBytes, inputBytes].map((bytes) => (bytes === null ? '' : mib(bytes)));
  return [label, took(p50Ms), took(p80Ms), ...sizes, `${count}×`, ago(lastMs, nowMs)];
}

function trendInWords(trend: number): string {
  const percent = Math.round(100 * Math.abs(trend - 1));
  if (percent < 5) return 'steady';
  return trend > 1 ? `faster by ${percent} %` : `slower by ${percent} %`;
}

/** What a compile takes: fractions of seconds count. */
function took(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

const dayMs = 86_400_000;
const since = (ms: number): string => (ms < 2 * dayMs ? duration(ms) : `${Math.round(ms / dayMs)} days`);

const times = (rate: number): string => `${rate.toFixed(2)}×`;
const round = (value: number): number => Math.round(value * 1000) / 1000;
const mib = (bytes: number): string =>
  `${bytes < 10 * 2 ** 20 ? (bytes / 2 ** 20).toFixed(1) : Math.round(bytes / 2 ** 20)} MiB`;
const ago = (atMs: number, nowMs: number): string => (atMs <= 0 ? '' : `${since(Math.max(0, nowMs - atMs))} ago`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => (cells[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return all.map((cells) => line(cells).trimEnd()).join('\n');
}
