// `tender store`: what is kept of finished compiles, without an agent or beside running ones: it works on the directory itself.
import { homeDirectory, loadConfig, storeDirectory } from '../../adapters/config/config.ts';
import { openResultStore } from '../../adapters/results/store.ts';
import type { ResultStore, StoreStats, StoreVerification } from '../../adapters/results/types.ts';
import { complain } from '../complain.ts';
import { duration } from './summary.ts';

/** `verify` ends with 1 when something was broken, as the second run will no longer. */
export async function runStore(what: 'stats' | 'clear' | 'verify', json: boolean): Promise<number> {
  const home = homeDirectory();
  const config = loadConfig(home);
  if (!config.ok) return complain(config.error);
  const dir = storeDirectory(config.value, home);
  if (!dir.ok) return complain(dir.error);
  const { enabled, max_mib: maxMib } = config.value.store;
  const opened = openResultStore(dir.value, { maxBytes: maxMib * 2 ** 20 });
  if (!opened.ok) return complain(opened.error);
  const store = opened.value;
  const { told, code } = await act(what, store, { dir: dir.value, enabled });
  await store.close();
  process.stdout.write(json ? `${JSON.stringify(told.json)}\n` : `${told.text}\n`);
  return code;
}

interface Told {
  readonly json: object;
  readonly text: string;
}

async function act(
  what: 'stats' | 'clear' | 'verify',
  store: ResultStore,
  place: { readonly dir: string; readonly enabled: boolean },
): Promise<{ readonly told: Told; readonly code: number }> {
  const { dir } = place;
  switch (what) {
    case 'stats': {
      const stats = await store.stats();
      return { told: { json: { ...place, ...stats }, text: renderStats(stats, place, Date.now()) }, code: 0 };
    }
    case 'clear': {
      const before = await store.stats();
      await store.clear();
      const { results, bytes } = await store.stats();
      // Agents may write meanwhile.
      const removed = {
        dir,
        results: Math.max(0, before.results - results),
        bytes: Math.max(0, before.bytes - bytes),
      };
      const text = `Removed ${count(removed.results, 'result')}, ${size(removed.bytes)}, from ${dir}.`;
      return { told: { json: removed, text }, code: 0 };
    }
    case 'verify': {
      const verified = await store.verify();
      const code = verified.broken.length > 0 ? 1 : 0;
      return { told: { json: { dir, ...verified }, text: renderVerification(verified, dir) }, code };
    }
  }
}

export function renderStats(
  stats: StoreStats,
  place: { readonly dir: string; readonly enabled: boolean },
  nowMs: number,
): string {
  const { counters } = stats;
  const percent = Math.round((100 * stats.bytes) / stats.maxBytes);
  const ago = (ms: number | null): string => (ms === null ? '' : `${duration(Math.max(0, nowMs - ms))} ago`);
  const rows: [string, string][] = [
    ['place', place.dir + (place.enabled ? '' : ' (turned off by [store] enabled = false)')],
    ['results', `${stats.results} of ${count(stats.units, 'unit')}`],
    ['size', `${size(stats.bytes)} of ${size(stats.maxBytes)} (${percent} %)`],
  ];
  if (stats.oldestUseMs !== null) {
    rows.push(['last used', `${ago(stats.newestUseMs)}; the oldest entry ${ago(stats.oldestUseMs)}`]);
  }
  rows.push(['served', `${counters.served}, written ${counters.kept}`]);
  if (counters.evicted > 0) rows.push(['made room', `${count(counters.evicted, 'entry', 'entries')} removed`]);
  if (counters.refused > 0)
    rows.push(['not kept', `${counters.refused}: no room on the disk or in the queue, or too large`]);
  if (counters.broken > 0) rows.push(['broken', `${counters.broken} found and removed`]);
  return rows.map(([name, value]) => `${name.padEnd(9)}  ${value}`).join('\n');
}

export function renderVerification(verified: StoreVerification, dir: string): string {
  const { checked, dropped, swept, broken } = verified;
  const lines = broken.map(({ entry, why, removed }) => `${entry}: ${why}${removed ? '' : '; it cannot be removed'}`);
  if (dropped > broken.length) lines.push(`and ${dropped - broken.length} more`);
  const left = swept === 0 ? '' : ` ${count(swept, 'temporary file')} of processes that are gone removed.`;
  lines.push(
    broken.length === 0
      ? `${count(checked, 'entry', 'entries')} checked in ${dir}: all are whole.${left}`
      : `${count(checked, 'entry', 'entries')} checked in ${dir}: ${dropped} removed; those compiles will run again.${left}`,
  );
  return lines.join('\n');
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

function size(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.ceil(bytes / 1024)} KiB`;
  if (bytes < 2 ** 30) return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
