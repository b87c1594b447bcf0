// The CLI's way to the agent: find it, start it, ask it. Every failure is a sentence.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { homeDirectory, prepareHome, socketPath } from '../../adapters/config/config.ts';
import { callControl } from '../../adapters/launcher-socket/client.ts';
import { complain } from '../complain.ts';
import { err, ok, type Result } from '../../base/result.ts';

const startWithinMs = 15_000;
/**
 * Young objects are collected in small steps: a larger nursery costs tens of megabytes and saves no time that could be measured. And
 * by one thread: several that share out so little cost half a millisecond a unit of a first build, most of it in finding each other.
 */
export const agentNodeOptions = ['--max-semi-space-size=8', '--single-threaded-gc', '--heap-growing-percent=100'];

/** Asks the agent of `home`; the answers in order. The error says whether there is no agent or a broken one. */
export async function ask(home: string, request: object): Promise<Result<unknown[], string>> {
  const answers: unknown[] = [];
  const called = await callControl(socketPath(home), request, (answer) => answers.push(answer));
  if (!called.ok) return err(called.error.message);
  const first = answers[0];
  if (typeof first === 'object' && first !== null && 'error' in first) return err(String(first.error));
  return ok(answers);
}

export function agentLogFile(home: string): string {
  return join(home, 'log', 'agent.log');
}

/** Makes sure that an agent answers; starts one when there is none. */
export async function ensureAgent(home: string): Promise<Result<void, string>> {
  const called = await callControl(socketPath(home), { cmd: 'ping' }, () => undefined);
  if (called.ok) return ok(undefined);
  // A second agent would only wait for the first one's lock.
  if (called.error.kind === 'hung') return err(called.error.message);
  if ((process.env['TENDER_NO_START'] ?? '0') !== '0')
    return err(`no agent runs for ${home}, and TENDER_NO_START forbids to start one`);
  const prepared = prepareHome(home);
  if (!prepared.ok) return prepared;
  mkdirSync(join(home, 'log'), { recursive: true, mode: 0o700 });
  const startLog = join(home, 'log', 'start.log');
  const log = openSync(startLog, 'w', 0o600);
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = spawn(process.execPath, [...agentNodeOptions, main, 'agent'], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', log],
    env: { ...process.env, TENDER_HOME: home },
  });
  closeSync(log);
  let ended: string | null = null;
  child.on('error', (error) => (ended = error.message));
  child.on('exit', (code, signal) => (ended = `it ended with ${signal ?? code}`));
  child.unref();
  const deadline = performance.now() + startWithinMs;
  while (performance.now() < deadline) {
    if ((await ask(home, { cmd: 'ping' })).ok) return ok(undefined);
    if (ended !== null) {
      // Another starter may have been faster: then its agent answers.
      await delay(100);
      if ((await ask(home, { cmd: 'ping' })).ok) return ok(undefined);
      const said = readFileSync(startLog, 'utf8').trim();
      return err(`the agent does not start: ${said === '' ? ended : said.replace(/^tender: /, '')}`);
    }
    await delay(20);
  }
  return err(`the agent does not answer within ${startWithinMs / 1000} s; ${agentLogFile(home)} may say why`);
}

export async function runAgentInBackground(): Promise<number> {
  const started = await ensureAgent(homeDirectory());
  return started.ok ? 0 : complain(started.error);
}

export async function runStop(json: boolean): Promise<number> {
  const home = homeDirectory();
  const stopped = await ask(home, { cmd: 'stop' });
  const wasRunning = stopped.ok;
  const pid = wasRunning ? (stopped.value[0] as { pid: number }).pid : null;
  // The answer comes before the end: wait until nobody is there any more.
  for (let i = 0; wasRunning && i < 500 && (await ask(home, { cmd: 'ping' })).ok; i++) await delay(20);
  if (json) process.stdout.write(`${JSON.stringify({ stopped: wasRunning, pid })}\n`);
  else process.stdout.write(wasRunning ? `stopped (pid ${pid})\n` : `no agent runs for ${home}\n`);
  return 0;
}
