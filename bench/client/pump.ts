// distcc in pump mode: an include server finds a unit's headers, the server preprocesses. Where it gives a unit up, distcc takes its plain
// way without a word to the build, so its warnings and the bytes sent are looked at.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Distcc } from './distcc.ts';
import { cpuBetween, readCpu, readRss } from './process-cpu.ts';
import { findIncludeServer } from './pump-repair.ts';
import type { Sample } from './types.ts';

export class DistccPump extends Distcc {
  override readonly who = 'distcc-pump';
  /** The server's compiler writes the depfile in a directory of the server's, and distcc then edits it. */
  override readonly comparesDepfiles = false;
  private pid = 0;
  private note = '';

  override async open(): Promise<string | null> {
    const found = findIncludeServer(this.bench.log);
    if ('broken' in found) return found.broken;
    this.note = found.note;
    const run = this.includeServerDir();
    mkdirSync(run, { recursive: true });
    const pidFile = join(run, 'pid');
    const script = join(found.dir, 'include_server.py');
    // Returns when its child in the background accepts requests; otherwise as distcc-pump starts it.
    execFileSync('python3', [script, '--port', this.socket(), '--pid_file', pidFile, '-d1'], {
      env: { ...this.bench.env, PYTHONOPTIMIZE: '1', PYTHONPATH: found.dir },
      stdio: 'ignore',
    });
    if (!existsSync(pidFile)) return 'its include server does not start';
    this.pid = Number(readFileSync(pidFile, 'utf8'));
    process.prependOnceListener('exit', this.endIncludeServer);
    return super.open();
  }

  override async round(): Promise<Sample> {
    const before = readCpu(this.pid);
    const sample = await super.round();
    const agentCpuMs = cpuBetween(before, readCpu(this.pid));
    const faults = this.note === '' ? sample.faults : [this.note, ...sample.faults];
    return { ...sample, agentCpuMs, agentRssBytes: readRss(this.pid), faults };
  }

  override async close(): Promise<void> {
    process.off('exit', this.endIncludeServer);
    this.endIncludeServer();
    await super.close();
  }

  protected override host(port: number): string {
    return `${super.host(port)},cpp,lzo`;
  }

  protected override clientEnv(): Readonly<Record<string, string>> {
    return { INCLUDE_SERVER_PORT: this.socket() };
  }

  protected override faultsOf(said: string): readonly string[] {
    const fallbacks =
      said.match(/include server gave up|failed to get includes|preprocess(?:ing)? locally/g)?.length ?? 0;
    return fallbacks === 0 ? super.faultsOf(said) : [`${fallbacks} units silently took distcc's plain way`];
  }

  private includeServerDir(): string {
    return join(this.dir, 'include-server');
  }

  private socket(): string {
    return join(this.includeServerDir(), 'socket');
  }

  private readonly endIncludeServer = (): void => {
    try {
      if (this.pid > 0) process.kill(this.pid, 'SIGTERM');
    } catch {
      // Gone already.
    }
  };
}
