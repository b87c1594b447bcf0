// Writes a plan's sources, each saying how long it takes to compile, and has the compiler make the objects at once, to compare with.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePlan, slotsPerWorker, type Plan } from './farm-plan.ts';
import type { Bench, Request, Sources } from './types.ts';

/** Sources stay where they are from one build of a plan to the next: durations are remembered by their paths. */
export function writeSources(bench: Bench, plan: Plan): Sources {
  const dir = join(bench.scratch, `seed-${plan.seed}`);
  const expectedDir = join(bench.scratch, 'expected');
  for (const made of [dir, expectedDir]) {
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made);
  }
  const names = plan.durationsMs.map((_, unit) => `unit-${String(unit).padStart(4, '0')}`);
  const words = plan.durationsMs.map((ms, unit) => {
    const source = join(dir, `${names[unit]}.c`);
    writeFileSync(source, `int unit_${unit};\n// sleep_ms = ${ms}\n`);
    return ['-O2', '-c', source, '-o', `${names[unit]}.o`];
  });
  const expected = words.map((args) => {
    const env = { ...bench.env, SLEEPCC_SLOWNESS: '0' };
    execFileSync(join(bench.compilerDir, 'gcc'), args, { cwd: expectedDir, env });
    return readFileSync(join(expectedDir, args.at(-1) ?? ''));
  });
  return { outDir: join(dir, 'out'), words, objects: names.map((name) => `${name}.o`), expected };
}

/** Of the seeds of what is measured none is so large. */
const warmingSeed = 1_000_000;

/** Short compiles, some for every slot, by which servers get ready to be measured. */
export function writeWarming(bench: Bench, { slowness }: Plan): Request {
  const tasks = 4 * slowness.length * slotsPerWorker;
  const plan = makePlan(warmingSeed, { workers: slowness.length, tasks, medianMs: 40 });
  return { plan, sources: writeSources(bench, plan), condition: 'healthy' };
}
