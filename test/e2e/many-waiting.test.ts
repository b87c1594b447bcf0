// Ten thousand compiles that wait on one machine: its agent stays within bounds, answers everybody, and forgets them when they go.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { AnswerParser, encodeStr } from '../../src/adapters/launcher-socket/frames.ts';
import { TestFarm, until } from './support.ts';

const launchers = 10_000;
const atOnce = 100;
const ownSlots = 2;
/** 30 KB for each that waits: its socket, its command and environment, its place in the queue and in the story of the build. */
const mostGrowthBytes = launchers * 30_000;

let farm: TestFarm | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await farm?.close();
  farm = null;
});

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function compileRequest(compiler: string, cwd: string, argv: readonly string[], env: readonly string[]): Buffer {
  const list = (texts: readonly string[]): Buffer[] => [u32(texts.length), ...texts.map((text) => encodeStr(text))];
  const body = Buffer.concat([u32(0), u32(0o022), encodeStr(compiler), encodeStr(cwd), ...list(argv), ...list(env)]);
  return Buffer.concat([Buffer.from('TNDR\u0001\u0001'), u32(body.length), body]);
}

/** Null where the kernel has no room for one more that is not yet taken; a launcher would wait for it. */
async function connect(path: string): Promise<Socket | null> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

test('ten thousand wait: the agent answers, keeps within its memory, and forgets those that go', async () => {
  farm = new TestFarm();
  const here = farm;
  const client = await farm.startClient({ own_slots: ownSlots, nobody_after_ms: 100 });
  const dir = join(farm.dir, 'project');
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.c'), 'int a;\n');
  writeFileSync(join(dir, 'b.c'), 'int b;\n');
  const env = Object.entries(farm.env('client')).map(([name, value]) => `${name}=${value ?? ''}`);
  const warm = await farm.cc('client', ['gcc', '-c', 'a.c'], dir);
  expect(warm).toMatchObject({ code: 0, stderr: '' });
  const before = (await farm.status('client')).agent.rssBytes;

  let told = 0;
  let gone = 0;
  const call = async (index: number): Promise<void> => {
    const socket = await until('the agent takes the call', () => connect(join(client.home, 'run/agent.sock')), 120_000);
    sockets.push(socket);
    const answers = new AnswerParser();
    socket.on('data', (data: Buffer) => {
      const frames = answers.push(data);
      if (frames === 'malformed') throw new Error('not a frame');
      // A launcher that is told to run the compiler itself keeps its slot until it ends; these never do.
      for (const { kind } of frames) if (kind === 'L' || kind === 'C') told++;
    });
    socket.on('error', () => gone++);
    socket.write(compileRequest('/usr/bin/gcc', dir, ['gcc', '-c', 'a.c', '-o', `${index}.o`], env));
  };
  for (let index = 0; index < launchers; index += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, (_, more) => call(index + more)));
  }
  const full = await until(
    'all of them wait',
    async () => {
      // It may have its hands full with taking them.
      const status = await here.status('client').catch(() => null);
      return status?.waiting === launchers - ownSlots ? status : null;
    },
    120_000,
  );
  expect(full.runningHere).toBe(ownSlots);
  expect(full.agent.rssBytes - before).toBeLessThan(mostGrowthBytes);

  // What asks and what costs nothing is answered at once.
  expect((await farm.cc('client', ['gcc', '--version'], dir)).code).toBe(0);
  const tasks = await farm.cli('client', ['tasks']);
  expect(tasks.code).toBe(0);
  expect(tasks.stdout.split('\n').length).toBeLessThan(200);
  expect({ told, gone }).toEqual({ told: ownSlots, gone: 0 });

  for (const socket of sockets.splice(0)) socket.destroy();
  await until('nothing waits any more', async () => {
    const { waiting, runningHere } = await here.status('client');
    return waiting + runningHere === 0 ? true : null;
  });
  expect(await farm.cc('client', ['gcc', '-c', 'b.c'], dir)).toMatchObject({ code: 0, stderr: '' });
}, 240_000);
