// The record of past durations, kept in $TENDER_HOME/record.json from one life of the agent to the next.
// It only improves guesses: what cannot be read is begun anew, what cannot be written is let go.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PastRecord } from '../../core/record/record.ts';

const fileOf = (home: string): string => join(home, 'record.json');

export function loadRecord(home: string): PastRecord {
  try {
    return PastRecord.import(JSON.parse(readFileSync(fileOf(home), 'utf8')));
  } catch {
    return new PastRecord();
  }
}

export function saveRecord(home: string, record: PastRecord): void {
  const temporary = `${fileOf(home)}.new`;
  try {
    writeFileSync(temporary, JSON.stringify(record.export()), { mode: 0o600 });
    renameSync(temporary, fileOf(home));
  } catch {
    // A full disk costs the next life some guesses, no more.
  }
}
