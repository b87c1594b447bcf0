// Builds the benchmarks' small C programs into a directory, by the machine's C compiler.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BenchProblem } from './problem.ts';

const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-s'];

/** The path of the program built from `NAME.c` in `sourceDir`. Static where the C library allows it: what stands in for a compiler should cost little. */
export function buildProgram(name: string, dir: string, sourceDir: string = import.meta.dirname): string {
  const source = join(sourceDir, `${name}.c`);
  const program = join(dir, name);
  for (const more of [['-static'], []]) {
    try {
      execFileSync('cc', [...flags, ...more, '-o', program, source], { stdio: 'pipe' });
      return program;
    } catch (error) {
      if (more.length > 0) continue;
      throw new BenchProblem(`cannot build ${source} by cc: ${(error as Error).message}`);
    }
  }
  return program;
}
