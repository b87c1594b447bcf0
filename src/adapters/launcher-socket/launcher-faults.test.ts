// tender-cc beside an agent that is absent, dead, hung, dying or a liar: the real compiler always runs, and in time.
import { chmodSync, existsSync, readFileSync, readlinkSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HEARD_HEX, LOCAL_HEX, Rig, buildLauncher, until } from './test-rig.ts';

const launcher = buildLauncher();
const STARTED = { env: { TENDER_NO_START: '0' } };

describe.skipIf(launcher === null).concurrent('tender-cc without a good agent', () => {
  test('no agent and none to be started: at once, and nothing is made', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const ended = await rig.cc([compiler], { env: { TENDER_VERBOSE: '1' } });
    expect(ended).toMatchObject({ code: 5, stdout: 'compiled\n' });
    expect(ended.stderr).toBe(`tender-cc: cc runs here: ${rig.home}/run: No such file or directory\n`);
    expect(existsSync(rig.home)).toBe(false);
    expect((await rig.cc([compiler], { env: { TENDER_HOME: '', HOME: '' } })).stdout).toBe('compiled\n');
  });

  test('a socket file left by a dead agent', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const { child } = await rig.agentProcess(LOCAL_HEX);
    child.kill('SIGKILL');
    await until('the agent to end', () => child.signalCode !== null);
    expect(existsSync(rig.socket)).toBe(true);
    const ended = await rig.cc([compiler], { env: { TENDER_VERBOSE: '1' } });
    expect(ended).toMatchObject({ code: 5, stdout: 'compiled\n' });
    expect(ended.stderr).toMatch(/no agent runs/);
    expect(ended.tookMs).toBeLessThan(1000);
  });

  test('an agent that accepts and never answers costs three seconds once, then little', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    await rig.agentProcess('');
    const first = await rig.cc([compiler]);
    expect(first).toMatchObject({ code: 5, stdout: 'compiled\n', stderr: '' });
    expect(first.tookMs).toBeGreaterThan(2900);
    expect(first.tookMs).toBeLessThan(5000);
    expect((await rig.cc([compiler])).tookMs).toBeLessThan(1500);
  }, 20_000);

  test('a stopped agent, with a small request and with one larger than the socket holds', async ({
    onTestFinished,
  }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const { child } = await rig.agentProcess(LOCAL_HEX);
    child.kill('SIGSTOP');
    const large = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`LARGE${i}`, 'x'.repeat(100_000)]));
    for (const ended of await Promise.all([rig.cc([compiler]), rig.cc([compiler], { env: large })])) {
      expect(ended).toMatchObject({ code: 5, stdout: 'compiled\n' });
      expect(ended.tookMs).toBeLessThan(5000);
    }
    child.kill('SIGCONT');
    expect(await rig.cc([compiler])).toMatchObject({ code: 5, stdout: 'compiled\n' });
  }, 20_000);

  test('a stopped agent whose backlog is full', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const { child } = await rig.agentProcess(LOCAL_HEX);
    child.kill('SIGSTOP');
    let full = false;
    await until('a full backlog', () => {
      const socket = createConnection(rig.socket).on('error', () => (full = true));
      onTestFinished(() => void socket.destroy());
      return full;
    });
    const ended = await rig.cc([compiler]);
    expect(ended).toMatchObject({ code: 5, stdout: 'compiled\n' });
    expect(ended.tookMs).toBeLessThan(5000);
  }, 20_000);

  test('an agent that dies in mid-task', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const agent = await rig.agentProcess(HEARD_HEX);
    const asked = agent.asked();
    const { ended } = rig.start(rig.launcher, [compiler]);
    await asked;
    agent.child.kill('SIGKILL');
    expect(await ended).toMatchObject({ code: 5, stdout: 'compiled\n', stderr: '' });
  });

  test.for([
    ['an unknown frame', '5a00000000'],
    ['a frame too large', '52ffffffff'],
    ['a result too short', '520100000000'],
    ['a result with a count that lies', `5211000000${'00'.repeat(5)}ffffffff${'00'.repeat(8)}`],
    ['a result with a length that lies', `5211000000${'00'.repeat(9)}ffffffff00000000`],
    ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex')],
  ])('%s', async ([, answer], { onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    await rig.agentProcess(answer ?? '');
    expect(await rig.cc([compiler])).toMatchObject({ code: 5, stdout: 'compiled\n', stderr: '' });
  });

  test("a socket's directory that others can write to is not trusted", async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    let asked = false;
    await rig.agent((_request, call) => {
      asked = true;
      call.local('');
    });
    chmodSync(dirname(rig.socket), 0o777);
    const ended = await rig.cc([compiler], { env: { TENDER_VERBOSE: '1' } });
    expect(ended).toMatchObject({ code: 5, stdout: 'compiled\n' });
    expect(ended.stderr).toMatch(/not ours alone/);
    expect(asked).toBe(false);
  });

  test('a socket path longer than an address holds', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const deep = new Rig(rig.launcher);
    onTestFinished(() => deep.dispose());
    Object.assign(deep, {
      home: join(deep.dir, 'h'.repeat(150)),
      socket: join(deep.dir, 'h'.repeat(150), 'run/agent.sock'),
    });
    let asked = 0;
    const server = await deep.agent((_request, call) => {
      asked++;
      call.local('');
    });
    expect(await deep.cc([compiler])).toMatchObject({ code: 5, stdout: 'compiled\n' });
    expect(asked).toBe(1);
    await server.close();
    expect(existsSync(deep.socket)).toBe(false);
  });

  test('the first launcher of many starts one agent, and all use it', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const command = starter(rig, LOCAL_HEX);
    const env = { ...STARTED.env, TENDER_AGENT_COMMAND: command, TENDER_VERBOSE: '1' };
    // A descriptor of the build's, such as make's job server.
    const withSeven = ['-c', 'exec 7</dev/null; exec "$0" "$@"', rig.launcher, compiler];
    const all = await Promise.all(Array.from({ length: 20 }, () => rig.start('/bin/sh', withSeven, { env }).ended));
    const pids = readFileSync(join(rig.dir, 'started'), 'utf8').trim().split('\n');
    onTestFinished(() => pids.forEach((pid) => process.kill(Number(pid), 'SIGKILL')));
    expect(pids).toHaveLength(1);
    for (const ended of all) expect(ended).toMatchObject({ code: 5, stderr: 'tender-cc: cc runs here: \n' });
    expect(statSync(rig.home).mode & 0o777).toBe(0o700);
    expect(statSync(dirname(rig.socket)).mode & 0o777).toBe(0o700);
    // It has left the build: a session of its own, no terminal, nothing of ours open.
    const [pid] = pids;
    expect(readFileSync(join(rig.dir, 'arguments'), 'utf8')).toBe(`agent --background ${rig.home}\n`);
    expect(sessionOf(pid ?? '').session).not.toBe(sessionOf(process.pid).session);
    expect(sessionOf(pid ?? '').terminal).toBe('0');
    const standard = [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(standard).toEqual(['/dev/null', '/dev/null', '/dev/null']);
    expect(readFileSync(join(rig.dir, 'seven'), 'utf8')).toBe('closed\n');
  }, 20_000);

  test('a start that fails costs two seconds once, not once a unit', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const command = rig.script('starter', `echo start >> ${rig.dir}/started`);
    const env = { ...STARTED.env, TENDER_AGENT_COMMAND: command };
    const first = await rig.cc([compiler], { env });
    expect(first).toMatchObject({ code: 5, stdout: 'compiled\n', stderr: '' });
    expect(first.tookMs).toBeGreaterThan(1900);
    const second = await rig.cc([compiler], { env: { ...env, TENDER_VERBOSE: '1' } });
    expect(second.tookMs).toBeLessThan(1000);
    expect(second.stderr).toMatch(/one could not be started just now/);
    expect(readFileSync(join(rig.dir, 'started'), 'utf8')).toBe('start\n');
    // Half a minute later it is tried again.
    const longAgo = Date.now() / 1000 - 31;
    utimesSync(join(rig.home, 'run', 'start.failed'), longAgo, longAgo);
    await rig.cc([compiler], { env });
    expect(readFileSync(join(rig.dir, 'started'), 'utf8')).toBe('start\nstart\n');
  }, 20_000);

  test('a start command that is not there costs nothing', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    const ended = await rig.cc([compiler], { env: { ...STARTED.env, TENDER_AGENT_COMMAND: join(rig.dir, 'none') } });
    expect(ended).toMatchObject({ code: 5, stdout: 'compiled\n', stderr: '' });
    expect(ended.tookMs).toBeLessThan(1000);
  });

  test('a home that cannot be made', async ({ onTestFinished }) => {
    const { rig, compiler } = setUp(onTestFinished);
    writeFileSync(rig.home, 'a file');
    const ended = await rig.cc([compiler], STARTED);
    expect(ended).toMatchObject({ code: 5, stdout: 'compiled\n', stderr: '' });
    expect(ended.tookMs).toBeLessThan(1000);
  });
});

function setUp(onTestFinished: (cleanUp: () => Promise<void>) => void): { rig: Rig; compiler: string } {
  const rig = new Rig(launcher ?? '');
  onTestFinished(() => rig.dispose());
  return { rig, compiler: rig.script('cc', 'echo compiled; exit 5') };
}

/** The sixth and seventh words of /proc/PID/stat; the second, a name in brackets, may hold blanks. */
function sessionOf(pid: number | string): { session: string | undefined; terminal: string | undefined } {
  const [, , , session, terminal] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return { session, terminal };
}

/** A start command that notes who and how it was started, and becomes an agent that sends `answer`. */
function starter(rig: Rig, answer: string): string {
  const program = `require('node:net').createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(Buffer.from('${answer}', 'hex')));
  }).listen('${rig.socket}')`;
  writeFileSync(join(rig.dir, 'agent.cjs'), program);
  return rig.script(
    'starter',
    `echo $$ >> '${rig.dir}/started'
echo "$*" "$TENDER_HOME" > '${rig.dir}/arguments'
if [ -e /proc/$$/fd/7 ]; then echo open; else echo closed; fi > '${rig.dir}/seven'
exec '${process.execPath}' '${rig.dir}/agent.cjs'`,
  );
}
