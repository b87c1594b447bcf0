// No stale object is ever served: random edits of a project between builds, each of them followed by a build through Tender
// with its store of results, compared with a clean compile by the compiler alone.
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createPrng } from '../../src/base/prng.ts';
import { compileLocally, TestFarm, type Ran } from '../e2e/support.ts';
import { settleFiles } from './support.ts';

const EDITS = Number(process.env['TENDER_STALE_EDITS'] ?? 500);
const SEED = Number(process.env['TENDER_STALE_SEED'] ?? 1);
const UNITS = ['a', 'b'];
const DIRS = ['one', 'two', 'three'];
const HEADERS = ['x.h', 'y.h', 'z.h'];

/** Of a machine alone, where results of compilers that ran here are kept; half of its rounds give them the time for that. */
const EDITS_ALONE = Math.ceil(EDITS / 5);

let farm: TestFarm;
afterEach(() => farm.close());

type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

/** Text of a header: a value of one digit, so that edits keep the size, and perhaps another header. */
function headerText(random: Random): string {
  const includes = pick(random, [
    '',
    `#include "${pick(random, HEADERS)}"\n`,
    `#include <${pick(random, HEADERS)}>\n`,
    `#if __has_include(<${pick(random, HEADERS)}>)\n#define SEEN 1\n#endif\n`,
    `#include_next "x.h"\n`,
    `#define NAME "${pick(random, HEADERS)}"\n`,
  ]);
  return `#pragma once\n${includes}#undef VALUE\n#define VALUE ${Math.floor(random() * 4)}\n`;
}

/** One edit of the project; says what it did. */
function edit(dir: string, random: Random): string {
  const header = join(dir, pick(random, DIRS), pick(random, HEADERS));
  const other = join(dir, pick(random, DIRS), pick(random, HEADERS));
  const kinds: readonly [string, () => void][] = [
    ...Array.from({ length: 4 }, (): [string, () => void] => [
      'write',
      () => {
        rmSync(header, { force: true });
        writeFileSync(header, headerText(random));
      },
    ]),
    ['write in place', () => writeFileSync(header, headerText(random))],
    [
      'one digit',
      () =>
        writeFileSync(header, readFileSync(header, 'utf8').replace(/VALUE \d/, `VALUE ${Math.floor(random() * 4)}`)),
    ],
    [
      'one digit, old time',
      () => {
        const { atime, mtime } = statSync(header);
        writeFileSync(header, readFileSync(header, 'utf8').replace(/VALUE \d/, `VALUE ${Math.floor(random() * 4)}`));
        utimesSync(header, atime, mtime);
      },
    ],
    ['remove', () => rmSync(header)],
    ['move over', () => renameSync(header, other)],
    [
      'link',
      () => {
        rmSync(header, { force: true });
        symlinkSync(other, header);
      },
    ],
    [
      'swap directories',
      () => {
        renameSync(join(dir, 'one'), join(dir, 'spare'));
        renameSync(join(dir, 'two'), join(dir, 'one'));
        renameSync(join(dir, 'spare'), join(dir, 'two'));
      },
    ],
    ['source', () => writeFileSync(join(dir, `${pick(random, UNITS)}.c`), sourceText(random))],
    ['nothing', () => undefined],
    ['nothing', () => undefined],
    [
      'and back',
      () => {
        const text = readFileSync(header);
        writeFileSync(header, headerText(random));
        writeFileSync(header, text);
      },
    ],
  ];
  const [kind, act] = pick(random, kinds);
  try {
    act();
    return `${kind} ${header} ${other}`;
  } catch {
    return `${kind} ${header} ${other}: not possible`;
  }
}

/** Some time within `withinMs`: which step of a compile it meets is left to chance. */
const atRandom = (random: Random, withinMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, random() * withinMs));

/** A header says something else for a while, and is then what it was, by its time too. */
async function editForAWhile(dir: string, random: Random): Promise<string> {
  const header = join(dir, pick(random, DIRS), pick(random, HEADERS));
  try {
    const text = readFileSync(header);
    const { atime, mtime } = statSync(header);
    writeFileSync(header, `#define VALUE ${7 + Math.floor(random() * 3)}\n`);
    await atRandom(random, 60);
    writeFileSync(header, text);
    utimesSync(header, atime, mtime);
    return `for a while while compilers ran: ${header}`;
  } catch {
    return `for a while: ${header}: not possible`;
  }
}

function sourceText(random: Random): string {
  const computed = random() < 0.3 ? '#ifdef NAME\n#include NAME\n#endif\n' : '';
  const seen = 'int seen =\n#ifdef SEEN\n1\n#else\n0\n#endif\n;\n';
  return `#include "${pick(random, HEADERS)}"\n#include <${pick(random, HEADERS)}>\n${computed}int value = VALUE;\nconst char *file = __FILE__;\n${seen}`;
}

interface Built {
  readonly ran: Ran;
  readonly object: Buffer | null;
  readonly depfile: Buffer | null;
}

function take(dir: string, unit: string, ran: Ran): Built {
  const read = (name: string): Buffer | null => (existsSync(join(dir, name)) ? readFileSync(join(dir, name)) : null);
  return { ran, object: read(`${unit}.o`), depfile: read(`${unit}.d`) };
}

/** Builds after each of many edits, compared with the compiler alone. `alone`: some edits come while the compilers run. */
async function fuzz(rounds: number, alone: boolean): Promise<void> {
  const random = createPrng(SEED);
  const dir = join(farm.dir, 'project');
  for (const sub of DIRS) mkdirSync(join(dir, sub), { recursive: true });
  const repair = (): void => {
    for (const sub of DIRS) {
      for (const header of HEADERS) {
        rmSync(join(dir, sub, header), { force: true });
        writeFileSync(join(dir, sub, header), `#define VALUE ${Math.floor(random() * 4)}\n`);
      }
    }
  };
  repair();
  for (const unit of UNITS) writeFileSync(join(dir, `${unit}.c`), sourceText(random));
  const edits: string[] = [];
  let failing = 0;
  for (let round = 0; round < rounds; round++) {
    // A project that does not compile for long has nothing to keep.
    if (failing > 3) repair();
    edits.push(edit(dir, random));
    const compiler = random() < 0.8 ? ['gcc'] : ['gcc', '-DEXTRA'];
    const words = (unit: string): string[] => [
      ...compiler,
      ...['-O1', '-Ione', '-Itwo', '-isystem', 'three', '-MD', '-c', `${unit}.c`, '-o', `${unit}.o`],
    ];
    const clean = (): void => {
      for (const name of readdirSync(dir)) if (/\.[od]$/.test(name)) rmSync(join(dir, name));
    };
    clean();
    const build = (): Promise<Built[]> =>
      Promise.all(UNITS.map(async (unit) => take(dir, unit, await farm.cc('client', words(unit), dir))));
    if (alone && random() < 0.5) await settleFiles(dir);
    if (alone && random() < 0.4) {
      // What such a build gives is nobody's to say; what it leaves in the store shows in the builds that follow.
      const running = build();
      await atRandom(random, 30);
      if (random() < 0.5) edits.push(`while compilers ran: ${edit(dir, random)}`);
      else edits.push(await editForAWhile(dir, random));
      await running;
      clean();
    }
    const ours = await build();
    clean();
    const theirs = UNITS.map((unit) => take(dir, unit, compileLocally(words(unit), dir)));
    expect(ours, `edit ${round}:\n${edits.slice(-5).join('\n')}`).toEqual(theirs);
    failing = theirs.every(({ ran }) => ran.code === 0) ? 0 : failing + 1;
  }
}

// The test would be worth nothing if the store had nothing to say.
test(`${EDITS} random edits, seed ${SEED}`, { timeout: 600_000 }, async () => {
  farm = await TestFarm.start(1, { store: true });
  await fuzz(EDITS, false);
  const { total } = await farm.status('client');
  expect(total.stored).toBeGreaterThan(EDITS / 4);
  expect(total.remote).toBeGreaterThan(EDITS / 4);
});

test(`${EDITS_ALONE} random edits on a machine alone, seed ${SEED}`, { timeout: 600_000 }, async () => {
  farm = new TestFarm();
  farm.prepare('client', { store: true, own_slots: 4 });
  await farm.startAgent('client');
  await fuzz(EDITS_ALONE, true);
  const { total } = await farm.status('client');
  expect(total.stored).toBeGreaterThan(EDITS_ALONE / 8);
  expect(total.localKept).toBeGreaterThan(EDITS_ALONE / 8);
});
