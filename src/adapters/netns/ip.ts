// Runs iproute2's `ip` and turns its failures into one sentence, since each of them means the same to us: no namespaces here.
import { spawn } from 'node:child_process';
import { err, ok, type Result } from '../../base/result.ts';

export interface IpProblem {
  readonly message: string;
}

/** Runs `ip ARGS` with `input` on its standard input; its standard output, or why it failed. */
export function runIp(args: readonly string[], input = ''): Promise<Result<string, IpProblem>> {
  return new Promise((resolve) => {
    const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'the command `ip` is missing (package iproute2)' : cause.message;
      resolve(err({ message: why }));
    });
    child.on('close', (code) => {
      if (code === 0) resolve(ok(output));
      else resolve(err({ message: `\`ip ${args.join(' ')}\`: ${errors.trim() || `exit code ${code}`}` }));
    });
    // A closed pipe is told by the exit code above.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
