// `tender tasks`: what waits, what is away and where, what runs here; once, or again and again in place.
import { homeDirectory, socketPath } from '../../adapters/config/config.ts';
import { callControl } from '../../adapters/launcher-socket/client.ts';
import { complain } from '../complain.ts';
import type { EndedTask } from '../../core/story/stories.ts';
import type { Copy, LiveTask, TasksReport } from '../report.ts';
import { ask } from './agent-client.ts';
import { openScreen } from './screen.ts';
import {
  counted,
  cutRight,
  layTable,
  nearPath,
  paintFor,
  shortTime,
  widthOf,
  withoutControls,
  type Column,
  type Paint,
} from './terminal.ts';

export interface TasksOptions {
  readonly json: boolean;
  readonly watch: boolean;
  readonly all: boolean;
}

/** A machine that is silent for longer is named. */
const silentAfterMs = 3000;
const waitingShown = 10;
const endedShown = 20;

export async function runTasks(options: TasksOptions): Promise<number> {
  const home = homeDirectory();
  if (options.watch) return watch(home, options);
  const answered = await ask(home, { cmd: 'tasks', all: options.all });
  if (!answered.ok) return complain(answered.error);
  const report = answered.value[0] as TasksReport;
  const lines = options.json
    ? [JSON.stringify(report)]
    : renderTasks(
        report,
        { width: widthOf(process.stdout), rows: Infinity, cwd: process.cwd() },
        paintFor(process.stdout),
      );
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

/** Until Ctrl-C, or until the agent ends. */
async function watch(home: string, { json, all }: TasksOptions): Promise<number> {
  const { stdout } = process;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  // A reader that has seen enough (`| head`) ends it.
  stdout.once('error', () => stop.abort());
  const screen = json ? null : openScreen(stdout);
  const paint = paintFor(stdout);
  let last = '';
  let seen = false;
  const show = (answer: unknown): void => {
    const report = answer as TasksReport;
    seen = true;
    if (screen === null) {
      stdout.write(`${JSON.stringify(report)}\n`);
      return;
    }
    const lines = renderTasks(report, { width: widthOf(stdout), rows: screen.rows(), cwd: process.cwd() }, paint);
    const text = lines.join('\n');
    if (text !== last) screen.show(lines);
    last = text;
  };
  const called = await callControl(socketPath(home), { cmd: 'tasks', watch: true, all }, show, { signal: stop.signal });
  screen?.close();
  if (called.ok) return 0;
  return complain(seen ? 'the agent has ended' : called.error.message);
}

interface Room {
  readonly width: number;
  /** Lines that may be used. */
  readonly rows: number;
  readonly cwd: string;
}

const liveColumns: readonly Column[] = [
  { head: 'task' },
  { head: 'where' },
  { head: 'state' },
  { head: 'since', align: 'right' },
  { head: 'left', align: 'right' },
  { head: 'unit', flexible: 'cut-left' },
];

const endedColumns: readonly Column[] = [
  { head: 'task' },
  { head: 'done' },
  { head: 'took', align: 'right' },
  { head: 'ago', align: 'right' },
  { head: 'unit', flexible: 'cut-left' },
];

/** Lines for people, none wider than the room, not more than its rows. */
export function renderTasks(report: TasksReport, room: Room, paint: Paint): string[] {
  const { counts } = report;
  const total = counts.away + counts.here + counts.waiting;
  const summary =
    total === 0 ? 'No task waits or runs.' : `${counts.away} away, ${counts.here} here, ${counts.waiting} waiting`;
  const rest = [...lendingLines(report, room, paint), ...silentLines(report, room, paint)];
  const ended = endedLines(report.ended, room, paint);
  const lines = [paint.bold(summary)];
  // What runs is shown before what waits, and what has ended gets what room is left.
  lines.push(...liveLines(report, { ...room, rows: room.rows - 1 - rest.length }, paint), ...rest);
  const left = room.rows - lines.length;
  if (ended.length > 0 && left > 3) lines.push(...ended.slice(0, left));
  return lines.slice(0, room.rows);
}

function liveLines({ tasks, counts }: TasksReport, { width, rows, cwd }: Room, paint: Paint): string[] {
  if (tasks.length === 0) return [];
  const running = tasks.filter(({ state }) => state !== 'waiting');
  const shownOfWaiting = rows === Infinity ? waitingShown : Infinity;
  const wanted = Math.min(tasks.length, running.length + shownOfWaiting);
  // The head and, when not all fit, a line that says so.
  const total = counts.away + counts.here + counts.waiting;
  const fits = wanted === total && wanted + 1 <= rows ? wanted : Math.max(0, Math.min(wanted, rows - 2));
  const shown = tasks.slice(0, fits);
  const cells = shown.map((task) => liveRow(task, cwd));
  const [head = '', ...laid] = layTable(liveColumns, cells, width);
  const lines = laid.map((line, index) => {
    const task = shown[index];
    if (task?.copies.some(({ state }) => state === 'silent') === true) return paint.warn(line);
    return task?.state === 'waiting' ? paint.dim(line) : line;
  });
  const more = total - fits;
  return [paint.dim(head), ...lines, ...(more > 0 ? [paint.dim(`and ${more} more`)] : [])];
}

function liveRow(task: LiveTask, cwd: string): string[] {
  const left = task.leftMs === null ? '' : task.leftMs === 0 ? 'late' : shortTime(task.leftMs);
  return [task.id, whereOf(task), stateOf(task), shortTime(task.sinceMs), left, unitOf(task.label, cwd)];
}

function whereOf({ state, copies }: LiveTask): string {
  if (state === 'here') return 'here';
  return copies.map(({ machine }) => machine).join(' + ');
}

function stateOf({ state, reason, copies }: LiveTask): string {
  if (state === 'here') return 'runs';
  if (state === 'waiting' && copies.length === 0) return reason === null ? 'waits' : 'waits for here';
  const states = new Set(copies.map(wordFor));
  const word = states.has('runs') ? 'runs' : states.has('sent') ? 'sent' : 'silent';
  return copies.length > 1 ? `${word}, twice` : word;
}

function wordFor({ state }: Copy): string {
  return state === 'running' ? 'runs' : state === 'awarded' ? 'sent' : 'silent';
}

function unitOf(label: string, cwd: string): string {
  return label === '' ? '(no source)' : nearPath(label, cwd);
}

function lendingLines({ lending }: TasksReport, { width }: Room, paint: Paint): string[] {
  if (lending.length === 0) return [];
  const lines = lending.map(({ delegator, label, sinceMs }) =>
    cutRight(withoutControls(`  ${label} for ${delegator}, since ${shortTime(sinceMs)}`), width),
  );
  return [paint.bold(`${counted(lending.length, 'task')} of others here`), ...lines];
}

/** Machines that should have spoken since: what is told of their tasks is old. */
function silentLines({ tasks, machines }: TasksReport, { width }: Room, paint: Paint): string[] {
  const busy = new Set(tasks.flatMap(({ copies }) => copies.map(({ machine }) => machine)));
  return machines.flatMap(({ name, heardAgoMs }) => {
    if (!busy.has(name) || heardAgoMs === null || heardAgoMs < silentAfterMs) return [];
    return [paint.warn(cutRight(`nothing heard of ${name} for ${shortTime(heardAgoMs)}`, width))];
  });
}

function endedLines(ended: readonly EndedTask[], { width, cwd }: Room, paint: Paint): string[] {
  if (ended.length === 0) return [];
  const shown = ended.slice(0, endedShown);
  const rows = shown.map((task) => [
    task.id,
    doneBy(task),
    shortTime(task.tookMs),
    shortTime(task.endedAgoMs),
    unitOf(task.label, cwd),
  ]);
  const [head = '', ...lines] = layTable(endedColumns, rows, width);
  return [paint.bold('ended lately'), paint.dim(head), ...lines];
}

function doneBy({ how, machine, copies }: EndedTask): string {
  const again = copies > 1 ? `, ${copies} tries` : '';
  switch (how) {
    case 'remote':
      return `${machine}${again}`;
    case 'local':
      return `here${again}`;
    case 'stored':
      return 'from the store';
    case 'cancelled':
      return 'cancelled';
  }
}
