// Stands in for the CLI in tests of the demo itself: agents that only answer who they are, and a `build` that compiles here and
// reports what it is told to. It can spoil an object, which the real one must never do.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listenLaunchers } from '../../src/adapters/launcher-socket/server.ts';

/** The script to run by node instead of the CLI. */
export const FAKE_TENDER = import.meta.filename;

const home = process.env['TENDER_HOME'] ?? '';
const [command, ...args] = process.argv.slice(2);
const socket = join(home, 'run', 'agent.sock');

async function startAgent(): Promise<void> {
  if (existsSync(socket)) return;
  spawn(process.execPath, [FAKE_TENDER, 'agent'], { detached: true, stdio: 'ignore' }).unref();
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
}

function build(words: readonly string[]): number {
  const ran = spawnSync(words[0] ?? '', words.slice(1), { stdio: 'inherit' });
  if (ran.status !== 0) return ran.status ?? 1;
  const objects = readdirSync('.', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.o'));
  const spoil = process.env['FAKE_SPOIL'];
  if (spoil !== undefined) {
    const bytes = readFileSync(spoil);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(spoil, bytes);
  }
  const units = objects.length;
  const told = JSON.parse(process.env['FAKE_REPORT'] ?? '{}') as object;
  const report = {
    ...{ units, remote: units, local: 0, reasons: {}, doubled: 0, retried: 0, wallMs: 1 },
    workers: [{ name: 'worker-1', units, cpuMs: 10, bytesIn: 2000, bytesOut: 1000 }],
    ...{ clientCpuMsPerUnit: 2, launcherCpuMs: 1, launcherCpuMsMedian: 1, agentCpuMs: 1, agentCpuMsMedian: 1 },
    ...told,
  };
  writeFileSync(process.env['TENDER_REPORT'] ?? '', JSON.stringify(report));
  process.stderr.write(`tender: ${units} compiled\n`);
  return 0;
}

async function main(): Promise<void> {
  if (command === 'agent') {
    await listenLaunchers(socket, {
      compile: (_request, call) => call.local('fake'),
      control: (_json, call) => {
        const machine = { name: 'worker-1', remark: 'no room today' };
        call.send({
          pid: process.pid,
          agent: { closedBecause: 'closed for repairs', problems: [] },
          machines: [machine],
        });
        call.end();
      },
    });
  } else if (command === 'invite' || command === 'join') {
    await startAgent();
    if (command === 'invite') process.stdout.write('token\n');
  } else if (command === 'build') {
    process.exitCode = build(args.slice(args.indexOf('--') + 1));
  } else if (process.env['FAKE_INIT_FAILS'] !== undefined) {
    process.stderr.write('tender: no cluster today\n');
    process.exitCode = 1;
  }
}

if (process.argv[1] === FAKE_TENDER) await main();
