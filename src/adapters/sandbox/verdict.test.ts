// Ends of runs as they look from outside, and what each is called. Real ones are in run.test.ts and compile.test.ts.
import { describe, expect, test } from 'vitest';
import { explainProblem, minProcessLimit } from './open.ts';
import { judge, type End } from './verdict.ts';

const times = '0m0.000000s 0m0.010000s\n1m2.500000s 0m0.250000s\n';

function call(code: number | null, stderr = '', more: Partial<End> = {}): string {
  const end: End = { code, log: times, stderr: Buffer.from(stderr), outOfMemoryKill: false, diskFull: false, ...more };
  const verdict = judge(end);
  if (!verdict.ran) return verdict.failure.code;
  return verdict.exit.how === 'exit' ? `exit ${verdict.exit.code}` : `signal ${verdict.exit.signal}`;
}

describe('an end', () => {
  test('with a result', () => {
    const verdict = judge({ code: 0, log: times, stderr: Buffer.alloc(0), outOfMemoryKill: false, diskFull: false });
    expect(verdict).toEqual({ ran: true, exit: { how: 'exit', code: 0 }, cpuMs: 62_750 });
    expect(call(1, "a.cc:1:1: error: 'x' was not declared\n")).toBe('exit 1');
    expect(call(4, 'g++: internal compiler error: Segmentation fault signal terminated program cc1plus\n')).toBe(
      'exit 4',
    );
    expect(call(128 + 11)).toBe('signal 11');
    expect(call(128 + 6)).toBe('signal 6');
    expect(call(255)).toBe('exit 255');
    expect(call(0, 'warning: No space left on device')).toBe('exit 0');
  });

  test('that is the machine’s fault', () => {
    expect(call(1, 'x\ng++: fatal error: Killed signal terminated program cc1plus\n')).toBe('killed');
    expect(call(1, 'g++: fatal error: Killed signal terminated program cc1plus\n', { outOfMemoryKill: true })).toBe(
      'out-of-memory',
    );
    expect(call(1, 'clang: error: unable to execute command: Killed\n')).toBe('killed');
    expect(call(128 + 9)).toBe('killed');
    expect(call(128 + 9, '', { outOfMemoryKill: true })).toBe('out-of-memory');
    expect(call(128 + 24)).toBe('deadline');
    expect(call(128 + 25)).toBe('too-large');
    expect(call(128 + 7)).toBe('killed');
    expect(call(128 + 4)).toBe('killed');
    expect(call(1, 'fatal error: when writing output to : No space left on device\n')).toBe('disk-full');
    expect(call(1, '', { diskFull: true })).toBe('disk-full');
    expect(call(1, 'virtual memory exhausted: Cannot allocate memory\n')).toBe('out-of-memory');
    expect(call(127, 'sh: 16: /usr/bin/g++: not found\n')).toBe('missing-file');
    expect(call(127, '/usr/bin/g++: error while loading shared libraries: libz.so.1: cannot open\n')).toBe(
      'missing-file',
    );
  });

  test('before the command began', () => {
    expect(call(1, '', { log: 'bwrap: Creating new namespace failed: Operation not permitted\n' })).toBe('sandbox');
    expect(call(1, '', { log: '' })).toBe('sandbox');
    expect(call(null, '', { log: '' })).toBe('killed');
    expect(call(137, '', { log: '' })).toBe('killed');
    expect(call(1, '', { log: '', diskFull: true })).toBe('disk-full');
  });

  test('is told from the ends of a very long output', () => {
    const noise = 'note: in instantiation\n'.repeat(100_000);
    expect(call(1, `${noise}g++: fatal error: Killed signal terminated program cc1plus\n`)).toBe('killed');
    expect(call(1, `as: No space left on device\n${noise}`)).toBe('disk-full');
    expect(call(1, noise)).toBe('exit 1');
  });
});

describe('a machine that cannot confine', () => {
  const allowed = {
    unprivilegedUsernsClone: '1',
    maxUserNamespaces: '1000',
    apparmorRestrictsUserns: '',
    inContainer: false,
  };

  test('is told what is in the way and the line that mends it', () => {
    expect(explainProblem('x', { ...allowed, unprivilegedUsernsClone: '0' }).command).toContain(
      'unprivileged_userns_clone=1',
    );
    expect(explainProblem('x', { ...allowed, maxUserNamespaces: '0' }).command).toContain('user.max_user_namespaces=');
    expect(explainProblem('x', { ...allowed, apparmorRestrictsUserns: '1' }).message).toContain('AppArmor');
    expect(explainProblem('x', { ...allowed, inContainer: true }).command).toContain('docker run');
    expect(explainProblem('bwrap: no', allowed)).toEqual({
      message: expect.stringContaining('bwrap: no'),
      command: '',
    });
  });

  test('counts processes of the whole user before Linux 5.14', () => {
    expect(['5.10.0-28-amd64', '4.19.0', '5.14.0', '6.1.0-18-amd64'].map(minProcessLimit)).toEqual([4096, 4096, 0, 0]);
  });
});
