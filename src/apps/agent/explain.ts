// What `tender explain` is told of a call: a view of what was prepared for it.
import type { Explanation } from '../report.ts';
import type { Prepared } from './prepare.ts';
import type { Unit } from './units.ts';

export interface Explained {
  readonly compiler: string;
  readonly prepared: Prepared;
  /** Null for a call that stays. */
  readonly unit: Unit | null;
  readonly stored: boolean;
  /** Whether this agent keeps results at all. */
  readonly keeps: boolean;
}

export function explainCall({ compiler, prepared, unit, stored, keeps }: Explained): Explanation {
  const told = { compiler, toolchain: '', toolchainDigest: '', argv: [], env: [], sources: [], inputs: [] };
  const nothing = { ...told, symlinks: [], outputs: [], key: null, notKept: '', stored: false, reason: '', detail: '' };
  if (prepared.travels === false) {
    return { ...nothing, travels: false, reason: prepared.reason, detail: prepared.detail };
  }
  if (prepared.travels === 'stored') return { ...nothing, travels: true, stored: true };
  const { task, keep } = prepared;
  const own = new Set(unit?.toolchain.files.map(({ path }) => path));
  return {
    ...nothing,
    travels: true,
    toolchain: task.class.toolchain?.label ?? '',
    toolchainDigest: task.class.toolchain?.digest ?? '',
    argv: task.argv,
    env: task.env,
    sources: unit?.plan.sources ?? [],
    inputs: task.fragment.files
      .filter(({ path }) => !own.has(path))
      .map(({ path, size, digest }) => ({ path, size, sha256: Buffer.from(digest).toString('hex') })),
    symlinks: task.fragment.symlinks,
    outputs: task.outputs.map(({ kind, path }) => ({ kind, path })),
    key: keep === null || unit?.storeKey == null ? null : Buffer.from(unit.storeKey).toString('hex'),
    notKept: keep === null ? whyNotKept(unit, keeps) : '',
    stored,
  };
}

function whyNotKept(unit: Unit | null, keeps: boolean): string {
  if (!keeps) return 'the store of results is switched off or cannot be used';
  if (unit === null) return '';
  if (unit.asked !== null) return 'an include by macro may mean something else next time';
  if (unit.plan.sources.length > 1) return 'it compiles several sources';
  if (!unit.plan.storable) return 'equal files can give unequal outputs with these options';
  return 'it uses __DATE__ or __TIME__';
}
