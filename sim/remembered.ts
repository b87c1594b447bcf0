// What a delegator knows from builds before: the durations that a scenario says were remembered, as a record has them.
import { PastRecord } from '../src/core/record/record.ts';
import type { BuildPlan, TaskPlan } from './types.ts';

/** From a remembered 80th percentile to the mean, and to the mean deviation from it. */
const MEAN = 1 / 1.09;
const DEVIATION = 0.085 / 1.09;
/** Of each kind so many durations are kept. */
const SAMPLES = 256;

/** @param kindOf the kind that a task's duration is remembered under; null: it is not. */
export function remembered(builds: readonly BuildPlan[], kindOf: (task: TaskPlan) => string | null): PastRecord {
  const units: unknown[] = [];
  const samples = new Map<string, number[][]>();
  for (const { tasks } of builds) {
    for (const task of tasks) {
      const kind = kindOf(task);
      if (task.predictedP80Ms === null || kind === null) continue;
      const { label, predictedP80Ms: p80Ms, bytes, memBytes } = task;
      units.push(['', kind, label, MEAN * p80Ms, DEVIATION * p80Ms, 1, memBytes, bytes, 0]);
      const ofKind = samples.get(kind) ?? [];
      if (ofKind.length < SAMPLES) ofKind.push([MEAN * p80Ms, bytes, memBytes, 0]);
      samples.set(kind, ofKind);
    }
  }
  const nothing = [0, 0, 0];
  const kinds = [...samples].map(([kind, rows]) => ['', kind, rows, [nothing, nothing]]);
  return PastRecord.import({ version: 2, units, kinds, workers: [], rates: [] });
}
