// The demo's verdict and its JSON line: what counts as a fault, and that a report from another process is never trusted blindly.
import { describe, expect, test } from 'vitest';
import { judge, mergeReports, parseReport, toJsonLine, type DemoResult, type FarmReport } from './figures.ts';
import { renderResult } from './table.ts';

const report: FarmReport = {
  units: 178,
  remote: 176,
  local: 2,
  reasons: { 'native-cpu': 2 },
  doubled: 3,
  retried: 1,
  workers: [
    { name: 'worker-1', units: 100, cpuMs: 61_234, bytesIn: 3_500_000, bytesOut: 12_000_000 },
    { name: 'worker-2', units: 76, cpuMs: 45_050, bytesIn: 2_400_000, bytesOut: 900_000 },
  ],
  clientCpuMsPerUnit: 3.456,
  launcherCpuMs: 190,
  launcherCpuMsMedian: 1.02,
  agentCpuMs: 425.17,
  agentCpuMsMedian: 2.1,
  wallMs: 91_000,
};
const result: DemoResult = {
  project: 'RE2 and abseil',
  network: 'namespaces',
  report,
  comparison: { files: 358, units: 178, differingUnits: 0, differences: [] },
  wallMs: 92_345,
  localWallMs: 75_678,
  chaos: null,
  faults: [],
};

const judged = (change: Partial<Parameters<typeof judge>[0]>): string =>
  judge({
    report,
    comparison: result.comparison,
    expectedUnits: 178,
    chaosAsked: false,
    chaosStruck: false,
    ...change,
  }).join('; ');

describe('judge', () => {
  test("a unit that must stay is no fault, but the demo's own projects have none", () => {
    expect(judged({ expectedUnits: null })).toBe('');
    expect(judged({ report: { ...report, local: 0, remote: 178, reasons: {} } })).toBe('');
    expect(judged({})).toBe('2 units of a project that travels whole stayed here');
  });

  test.each(['nobody', 'failed', 'queue-full', 'own-slot'])(
    'a unit that could travel and did not is one: %s',
    (reason) => {
      expect(judged({ report: { ...report, reasons: { [reason]: 2 } } })).toBe(
        '2 units that could travel were compiled here',
      );
    },
  );

  test('chaos may end on the client, but must have struck', () => {
    const failed = { ...report, reasons: { failed: 2 } };
    expect(judged({ report: failed, chaosAsked: true, chaosStruck: true })).toBe('');
    expect(judged({ report: failed, chaosAsked: true })).toBe('the build ended before a worker could be killed');
  });

  test('differences, units that went past Tender, and a build that made nothing are faults', () => {
    const differences = [{ path: 'a.o', kind: 'differs', detail: '' }] as const;
    expect(judged({ expectedUnits: null, comparison: { ...result.comparison, differences } })).toBe(
      '1 of 358 files differ from the local build',
    );
    expect(judged({ report: { ...report, units: 170, remote: 170, local: 0 } })).toBe(
      '8 of 178 units never reached Tender',
    );
    const none = { ...report, units: 0, remote: 0 };
    expect(judged({ report: none, expectedUnits: null })).toContain('no compile reached Tender');
    expect(judged({ report: { ...report, remote: 0 }, expectedUnits: null })).toBe('no unit was compiled on a worker');
    const empty = { files: 0, units: 0, differingUnits: 0, differences: [] };
    expect(judged({ report: none, comparison: empty, expectedUnits: null })).toContain('the build made no object');
  });
});

describe('reports', () => {
  test('are read as written, without fields that the demo does not know', () => {
    expect(parseReport(JSON.stringify({ ...report, others: 7 }))).toEqual({ ok: true, value: report });
  });

  test.each([
    ['', 'not JSON'],
    ['{"units": 3}', 'remote'],
    [JSON.stringify({ ...report, units: 'many' }), 'units'],
    [JSON.stringify({ ...report, workers: [{ name: 'x' }] }), 'workers.0.units'],
  ])('that are broken are refused: %s', (text, complaint) => {
    const parsed = parseReport(text);
    expect(parsed.ok ? 'it was accepted' : parsed.error.message).toContain(complaint);
  });

  test('of several runs add up', () => {
    const configure = { ...report, units: 0, remote: 0, local: 0, reasons: {}, workers: [], clientCpuMsPerUnit: 0 };
    expect(mergeReports([configure, report])).toMatchObject({ units: 178, clientCpuMsPerUnit: 3.456, doubled: 6 });
    expect(mergeReports([report, report])).toMatchObject({
      units: 356,
      reasons: { 'native-cpu': 4 },
      workers: [
        { name: 'worker-1', units: 200 },
        { name: 'worker-2', units: 152 },
      ],
    });
  });
});

test('the JSON line has the promised fields', () => {
  expect(JSON.parse(toJsonLine(result))).toMatchObject({
    units: 178,
    remote: 176,
    local: 2,
    identical: 178,
    differing: 0,
    clientCpuMsPerUnit: 3.46,
    wallMs: 92_345,
    workers: report.workers,
  });
  expect(toJsonLine(result)).not.toContain('\n');
});

test('the table of a good run', () => {
  expect(renderResult(result, 2).join('\n')).toMatchInlineSnapshot(`
    "
    worker     units      CPU   sent to it   came back
    worker-1     100   61.2 s     11.4 MiB     3.3 MiB
    worker-2      76   45.0 s      879 KiB     2.3 MiB

    remote 176, here 2 (2 native-cpu); done twice 3, tried again 1
    client CPU per unit: 3.46 ms (agent 2.39, median 2.10; launcher 1.07, median 1.02)
    farm build 92.3 s, local build 75.7 s. Client and workers share the 2 cores of this machine: this shows that it works, not how fast it is.

    All 178 objects, 358 files with their by-products, are identical to the local build's."
  `);
});

test('the table of a bad run under chaos', () => {
  const differences = Array.from({ length: 12 }, (_, index) => ({
    path: `x${index}.o`,
    kind: 'missing' as const,
    detail: 'the farm build did not make it',
  }));
  const bad: DemoResult = {
    ...result,
    report: { ...report, reasons: {} },
    comparison: { ...result.comparison, differingUnits: 12, differences },
    chaos: { killed: 'worker-2', frozen: 'worker-3' },
    faults: ['12 of 358 files differ from the local build'],
  };
  expect(renderResult(bad, 2).join('\n')).toMatchInlineSnapshot(`
    "
    worker              units      CPU   sent to it   came back
    worker-1              100   61.2 s     11.4 MiB     3.3 MiB
    worker-2 (killed)      76   45.0 s      879 KiB     2.3 MiB

    remote 176, here 2; done twice 3, tried again 1
    client CPU per unit: 3.46 ms (agent 2.39, median 2.10; launcher 1.07, median 1.02)
    farm build 92.3 s, local build 75.7 s. Client and workers share the 2 cores of this machine: this shows that it works, not how fast it is.
    missing: x0.o (the farm build did not make it)
    missing: x1.o (the farm build did not make it)
    missing: x2.o (the farm build did not make it)
    missing: x3.o (the farm build did not make it)
    missing: x4.o (the farm build did not make it)
    missing: x5.o (the farm build did not make it)
    missing: x6.o (the farm build did not make it)
    missing: x7.o (the farm build did not make it)
    missing: x8.o (the farm build did not make it)
    missing: x9.o (the farm build did not make it)
    … and 2 more

    NOT as it should be: 12 of 358 files differ from the local build."
  `);
});
