// The owner comes back while a compile of somebody else's runs: it stands still, goes on when they leave again, or is ended and done
// elsewhere. `tender pause` stands for the owner here; the way from there on is the same.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { TestFarm, until } from '../e2e/support.ts';

let farm: TestFarm | null = null;
afterEach(async () => {
  await farm?.close();
  farm = null;
});

/** The states of all compilers of the unit with this marker, as ps shows them. */
function compilerStates(marker: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        if (basename(words[0] ?? '') !== 'cc1plus' || !words.some((word) => word.includes(marker))) return [];
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        return [stat.slice(stat.lastIndexOf(')') + 2)[0] ?? ''];
      } catch {
        return [];
      }
    });
}

async function startSlowCompile(config: string): Promise<{ marker: string; done: ReturnType<TestFarm['build']> }> {
  farm = new TestFarm();
  await farm.startClient({ own_slots: 0 });
  await farm.addWorker('w1', { slots: 1, config: `[owner]\npresence = false\n${config}` });
  const marker = `SLOW_${basename(farm.dir).replaceAll('-', '_')}`;
  // Some seconds of the compiler's time, enough to be stopped in the midst of them.
  const text =
    'constexpr long f() { long s = 0; for (long i = 0; i < 8000000; i++) s ^= i; return s; }\nstatic_assert(f() >= 0);\n';
  writeFileSync(join(farm.dir, 'slow.cc'), text);
  const limits = '-fconstexpr-ops-limit=99999999999 -fconstexpr-loop-limit=2147483647';
  const done = farm.build(['sh', '-c', `g++ -D${marker} ${limits} -c slow.cc -o slow.o`], farm.dir);
  await until('the compiler runs at the worker', () => (compilerStates(marker).length > 0 ? true : null));
  return { marker, done };
}

test('frozen when the grace is over, thawed when the owner leaves again; the result comes as if nothing had been', async () => {
  const { marker, done } = await startSlowCompile('grace_seconds = 0.1\nfreeze_seconds = 600');
  const here = farm as TestFarm;
  const paused = await here.cli('w1', ['pause', '1h']);
  expect(paused.stdout).toMatch(/^not helping: paused by you until/);
  await until('the compiler stands still', () => (compilerStates(marker).join('') === 'T' ? true : null));
  expect((await here.cli('w1', ['resume'])).stdout).toMatch(/^helping/);
  await until('it goes on', () => (compilerStates(marker).includes('T') ? null : true));
  const { code, report } = await done;
  expect(code).toBe(0);
  expect(report).toMatchObject({ remote: 1, local: 0 });
});

test('an owner who stays: the compile is ended there, and done here', async () => {
  const { marker, done } = await startSlowCompile('grace_seconds = 0.1\nfreeze_seconds = 0.1');
  await (farm as TestFarm).cli('w1', ['pause']);
  const { code, report } = await done;
  expect(code).toBe(0);
  expect(report).toMatchObject({ remote: 0, local: 1 });
  expect(compilerStates(marker)).toEqual([]);
});
