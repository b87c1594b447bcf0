// `tender record`: what was learnt of past compiles, shown and forgotten. It reads the database itself, after a running agent has
// written what it still has in memory; to forget, it asks that agent, which would write it all again otherwise.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { homeDirectory } from '../../adapters/config/config.ts';
import { learnedFile, openLearnedStore } from '../../adapters/owner/learned-store.ts';
import { openRecordStore } from '../../adapters/record/store.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { complain } from '../complain.ts';
import { ask } from './agent-client.ts';
import { find, renderFound, renderRecord, viewRecord, type RecordView } from './record-view.ts';

export interface RecordOptions {
  readonly project?: string;
  readonly worker?: string;
  readonly owner?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Ends with 1 when nothing fits a name. */
export async function runRecord(
  what: 'list' | 'show' | 'forget',
  name: string,
  options: RecordOptions,
): Promise<number> {
  const home = homeDirectory();
  const project = options.project === undefined ? null : resolve(options.project);
  if (what === 'forget') return forget(home, project, options);
  if (what === 'show' && name === '')
    return complain('show what? the path of a source, its end, or the name of a worker');
  // No agent, nothing in memory.
  await ask(home, { cmd: 'record-save' });
  const nowMs = Date.now();
  const read = readView(home, nowMs, project);
  if (!read.ok) return complain(read.error);
  const { view, problem } = read.value;
  if (problem !== null) complain(problem);
  if (what === 'list') {
    print(options.json === true ? JSON.stringify(view) : renderRecord(view, nowMs));
    return 0;
  }
  const found = find(view, name);
  if (options.json === true) print(JSON.stringify(found));
  if (found.units.length + found.workers.length === 0)
    return complain(`nothing is recorded of a unit or worker «${name}»`);
  if (options.json !== true) print(renderFound(found, nowMs));
  return 0;
}

async function forget(home: string, project: string | null, options: RecordOptions): Promise<number> {
  const { worker, owner = false, all = false, json = false } = options;
  if (!all && !owner && project === null && worker === undefined) {
    return complain('forget what? --project DIR, --worker NAME, both together, --owner, or --all');
  }
  if ((all || owner) && (project !== null || worker !== undefined))
    return complain(`${all ? '--all forgets everything' : '--owner stands alone'}: leave out --project and --worker`);
  const ofOwner = all || owner ? await forgetOwner(home) : ok(0);
  if (!ofOwner.ok) return complain(ofOwner.error);
  if (owner && !all) return tellForgotten(ofOwner.value, json);
  const id = worker === undefined ? ok(undefined) : identify(home, worker);
  if (!id.ok) return complain(id.error);
  const gone = await forgetRows(home, { project: project ?? undefined, worker: id.value });
  if (!gone.ok) return complain(gone.error);
  return tellForgotten(gone.value + ofOwner.value, json);
}

function tellForgotten(rows: number, json: boolean): number {
  print(
    json
      ? JSON.stringify({ forgotten: rows })
      : rows === 0
        ? 'Nothing of that was recorded.'
        : `Forgotten: ${rows} ${rows === 1 ? 'entry' : 'entries'}.`,
  );
  return 0;
}

/** Breaks, habits and how far calendars can be believed. What the owner has said, and the calendars themselves, stay. */
async function forgetOwner(home: string): Promise<Result<number, string>> {
  if ((await ask(home, { cmd: 'ping' })).ok) {
    const answered = await ask(home, { cmd: 'owner-forget' });
    return answered.ok ? ok((answered.value[0] as { gone: number }).gone) : answered;
  }
  if (!existsSync(learnedFile(home))) return ok(0);
  const store = openLearnedStore(home);
  const gone = store.forget();
  store.close();
  return gone;
}

async function forgetRows(
  home: string,
  what: { project: string | undefined; worker: string | undefined },
): Promise<Result<number, string>> {
  const running = await ask(home, { cmd: 'ping' });
  if (running.ok) {
    const answered = await ask(home, { cmd: 'record-forget', ...what });
    return answered.ok ? ok((answered.value[0] as { gone: number }).gone) : answered;
  }
  if (!existsSync(fileIn(home))) return ok(0);
  const store = openRecordStore(fileIn(home));
  const gone = store.forget(what);
  store.close();
  return gone;
}

/** A worker's identity by its name, or by the beginning of its identity. */
function identify(home: string, name: string): Result<string, string> {
  const read = readView(home, Date.now(), null);
  if (!read.ok) return read;
  const { workers } = find(read.value.view, name);
  const [worker, other] = workers;
  if (worker === undefined) return err(`nothing is recorded of a worker «${name}»; \`tender record\` lists them`);
  if (other !== undefined)
    return err(`«${name}» are several: ${workers.map(({ id }) => id).join(', ')}; name one of these`);
  return ok(worker.id);
}

function readView(
  home: string,
  nowMs: number,
  project: string | null,
): Result<{ view: RecordView; problem: string | null }, string> {
  const file = fileIn(home);
  // Nothing is made by looking.
  if (!existsSync(file))
    return ok({
      view: viewRecord({ version: 2, units: [], kinds: [], workers: [], rates: [] }, new Map(), nowMs),
      problem: null,
    });
  const store = openRecordStore(file);
  const view = viewRecord(store.load(), store.names(), nowMs, project);
  const { problem } = store;
  store.close();
  return ok({ view, problem });
}

const fileIn = (home: string): string => join(home, 'record.db');

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
