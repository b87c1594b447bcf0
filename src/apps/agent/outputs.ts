// A worker's result becomes files: checked, unpacked, written beside their final names. The launcher does the renames,
// so that a build that was killed never finds an output it did not wait for.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { removeTemporary, writeTemporary } from '../../adapters/files/output.ts';
import { tmpDir } from '../../adapters/sandbox/paths.ts';
import { spellAbsolute } from '../../compiler/scan/directories.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { FailureCode } from '../../core/types.ts';
import type { ExecutionResultMessage } from '../../wire/messages.ts';
import type { StoredResult } from '../../adapters/results/types.ts';
import type { CompileTask, OutputPlan } from './prepare.ts';

/** [temporary, final]; an empty temporary: remove the final. */
export type Rename = readonly [from: string, to: string];

/** Unpacking a smaller output costs its receiver more than the bytes that packing saves. */
export const packAboveBytes = 24 * 1024;
const maxOutputBytes = 512 * 1024 * 1024;
const sandboxTmp = `${tmpDir}/`;
const missingInclude = /^(.*?):\d+:\d+: fatal error: (.+?): No such file or directory$/m;
const missingInFortran =
  /^(?:.*: )?(?:Fatal )?Error: (?:(?:Cannot|Can't) open (?:included|module) file ['‘](.+?)['’]|Module file ['‘](.+?)['’] has not|([^\n:]+): No such file)/m;

/** Whether a result must not be believed: it speaks of Tender's fault, not of the program's. Null: it is the compiler's own word. */
export function judgeResult(
  task: CompileTask,
  result: ExecutionResultMessage,
): { code: FailureCode; message: string } | null {
  const worksButNoObject = !result.signalled && result.code === 0;
  const came = new Set(result.outputs.map((output) => output.index));
  if (worksButNoObject && task.outputs.some((output, index) => output.kind === 'object' && !came.has(index))) {
    return { code: 'bad-result', message: 'the compiler succeeded and left no object' };
  }
  if (result.outputs.some((output) => output.index >= task.outputs.length || output.size > maxOutputBytes)) {
    return { code: 'bad-result', message: 'the result holds an output that was not asked for' };
  }
  if (result.signalled || result.code === 0) return null;
  const said = Buffer.from(result.stderr).toString();
  const [, from = task.source, included] = missingInclude.exec(said) ?? [];
  const name =
    included ??
    missingInFortran
      .exec(said)
      ?.slice(1)
      .find((part) => part !== undefined);
  if (name === undefined) return null;
  const places = [dirname(spellAbsolute(from, task.cwd)), task.cwd, ...task.searchDirs];
  const here = places.map((dir) => join(dir, name)).find((path) => existsSync(path));
  return here === undefined ? null : { code: 'missing-file', message: `${here} exists here and was not sent` };
}

type Ended = Pick<ExecutionResultMessage, 'signalled' | 'code' | 'stderr' | 'outputs' | 'unnamed'>;

/** Of a compile that went well before. */
export function endedWell({ stderr, outputs }: StoredResult): Ended {
  return { signalled: false, code: 0, stderr, outputs: outputs as Ended['outputs'], unnamed: '' };
}

/** Writes every output under a temporary name. The error says what could not be written, where and why. */
export function writeOutputs(task: OutputPlan, result: Ended): Result<Rename[], string> {
  const renames: Rename[] = [];
  const onlyHere = knownOnlyHere(task, result);
  if (onlyHere !== null) return err(onlyHere);
  for (const output of result.outputs) {
    const spec = task.outputs[output.index];
    if (spec === undefined) continue;
    let data: Uint8Array;
    try {
      data = output.zstd ? zstdDecompressSync(output.data, { maxOutputLength: Math.max(1, output.size) }) : output.data;
    } catch (error) {
      discardOutputs(renames);
      return err(`${spec.path}: the worker's data cannot be unpacked: ${(error as Error).message}`);
    }
    if (spec.kind === 'module' && isSameModule(data, spec.path)) continue;
    // A listing names the temporary file that it lists.
    if (spec.kind === 'report') data = tellAsHere(data);
    const mode = spec.mode ?? (output.mode & 0o111) | (0o666 & ~task.umask);
    const written = writeTemporary(spec.path, data, mode);
    if (!written.ok) {
      discardOutputs(renames);
      return err(written.error);
    }
    renames.push([written.value, spec.path]);
  }
  if (result.signalled || result.code !== 0) {
    const came = new Set(result.outputs.map(({ index }) => index));
    const missing = task.outputs.filter((_, index) => !came.has(index));
    for (const { kind, path } of missing) {
      const goes = kind === 'object' ? !keepsOldObject(task, result) : kind === 'depfile' && task.dropsDepfile;
      if (goes) renames.push(['', path]);
    }
  }
  return ok(renames);
}

/** What the compiler here must tell itself; null: what came says it. */
function knownOnlyHere(task: OutputPlan, result: Ended): string | null {
  if (result.unnamed !== '') return `it also wrote ${result.unnamed}, which no option names`;
  if (!result.signalled && result.code === 0) return null;
  if (task.hasPlugins) return 'it failed with a plugin, which may look for what is only here';
  const came = new Set(result.outputs.map(({ index }) => index));
  const older = task.outputs.find(({ kind, path }, index) => kind === 'module' && !came.has(index) && existsSync(path));
  return older === undefined ? null : `it failed, and whether ${older.path} goes depends on where`;
}

/** gfortran leaves a module file alone when the new one has its checksum, so that make does not compile again what uses it. */
function isSameModule(fresh: Uint8Array, path: string): boolean {
  const checksum = (bytes: Uint8Array): Uint8Array => bytes.subarray(-8, -4);
  try {
    return fresh.length >= 8 && Buffer.compare(checksum(fresh), checksum(readFileSync(path))) === 0;
  } catch {
    return false;
  }
}

/**
 * What became of an older object of the same name when a compile failed: the drivers remove what the failing program would have
 * written. For gcc without -pipe that is the object only when it was the assembler that failed (seen with gcc 12 and clang 14).
 */
function keepsOldObject(task: OutputPlan, result: Ended): boolean {
  return task.compilesThenAssembles && !Buffer.from(result.stderr).includes('Assembler messages:');
}

/** The compiler's messages with its temporary directory as it would be here. */
export function tellAsHere(stderr: Uint8Array): Uint8Array {
  const bytes = Buffer.from(stderr);
  return bytes.includes(sandboxTmp)
    ? Buffer.from(bytes.toString('latin1').replaceAll(sandboxTmp, '/tmp/'), 'latin1')
    : bytes;
}

export function discardOutputs(renames: readonly Rename[]): void {
  for (const [from] of renames) if (from !== '') removeTemporary(from);
}
