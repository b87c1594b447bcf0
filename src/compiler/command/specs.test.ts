// Which specs files go along: those that only add options known to change nothing but code.
import { describe, expect, test } from 'vitest';
import type { CompilePlan, Verdict } from '../types.ts';
import { parseCommand } from './parse.ts';

describe('specs files', () => {
  const files: Readonly<Record<string, string>> = {
    '/hard-cc1': '*cc1_options:\n+ %{!r:%{!fpie:%{!fPIE:%{!fno-pic:-fPIE}}}}\n',
    '/hard-ld': '*self_spec:\n+ %{!static:%{!shared:%{!r:-pie}}}\n\n*link:\n+ -z now %(anything)\n',
    '/alternatives': '*self_spec:\n+ %{fPIC|fpic: ; :-fno-PIC -no-pie -O2}\n',
    '/plugin': '*cc1_options:\n+ %{!fno-x:-fplugin=annobin}\n',
    '/profile': '*cc1_options:\n+ -fprofile-use\n',
    '/debug': '*cc1_options:\n+ -g\n',
    '/removes': '*self_spec:\n+ %<fPIC\n',
    '/removes-if': '*self_spec:\n+ %{fPIC:%<fPIC}\n',
    '/function': '*self_spec:\n+ %:getenv(HOME /x)\n',
    '/reference': '*cc1:\n+ %(other)\n',
    '/replaces': '*cc1_options:\n-fPIE\n',
    '/includes': '%include <other.specs>\n',
    '/renames': '%rename cc1 old\n*cc1:\n+ -fPIE\n',
    '/assembler': '*asm:\n+ -g\n',
  };
  const read = (option: string, path: string): Verdict =>
    parseCommand(['gcc', '-c', 'a.c', `${option}=${path}`], {
      cwd: '/w',
      env: new Map(),
      readFile: (asked) => files[asked] ?? null,
      stderrIsTerminal: false,
      isDirectory: () => false,
    });
  const plan = (path: string): CompilePlan => {
    const verdict = read('-specs', path);
    if (!verdict.travels) throw new Error(`stays: ${verdict.reason}, ${verdict.detail}`);
    return verdict.plan;
  };
  const reason = (option: string, path: string): string => {
    const verdict = read(option, path);
    return verdict.travels ? 'travels' : verdict.reason;
  };

  test.each(['/hard-cc1', '/hard-ld', '/alternatives'])('%s travels', (path) => {
    const { extraInputs, builtinArgs, cwdShows } = plan(path);
    expect([extraInputs, builtinArgs, cwdShows]).toEqual([[path], [`-specs=${path}`], false]);
  });

  const harmful = Object.keys(files).slice(3);
  test.each([...harmful, '/missing', 'nano.specs'])('%s stays', (path) => {
    expect(reason('-specs', path)).toBe('side-files');
    expect(reason('--specs', path)).toBe('side-files');
  });
});
