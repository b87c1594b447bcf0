// The record survives the agent, and nothing that lies in its place can stop one.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadRecord, saveRecord } from './record-file.ts';

test('what was learnt is there in the next life; garbage and a missing file begin anew', () => {
  const home = mkdtempSync(join(tmpdir(), 'tender-record-'));
  try {
    const record = loadRecord(home);
    expect(record.predict('/p/a.cc', 'class').known).toBe(false);
    for (let i = 0; i < 5; i++) {
      record.observe({ label: '/p/a.cc', classKey: 'class', worker: null, ranMs: 1234, overheadMs: 0 });
    }
    saveRecord(home, record);
    expect(readdirSync(home)).toEqual(['record.json']);
    expect(loadRecord(home).predict('/p/a.cc', 'class')).toEqual(record.predict('/p/a.cc', 'class'));
    writeFileSync(join(home, 'record.json'), '{"version":1,"labels":[[');
    expect(loadRecord(home).predict('/p/a.cc', 'class').known).toBe(false);
    saveRecord(join(home, 'missing'), record);
  } finally {
    rmSync(home, { recursive: true });
  }
});
