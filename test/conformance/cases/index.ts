// All cases, by topic.
import type { Case } from '../case.ts';
import { code } from './code.ts';
import { depfiles } from './depfiles.ts';
import { diagnostics } from './diagnostics.ts';
import { fortran } from './fortran.ts';
import { headers } from './headers.ts';
import { languages } from './languages.ts';
import { macros } from './macros.ts';
import { outputs } from './outputs.ts';
import { plugins } from './plugins.ts';
import { sideFiles } from './side-files.ts';
import { stays } from './stays.ts';
import { surroundings } from './surroundings.ts';
import { words } from './words.ts';

export const allCases: readonly Case[] = [
  ...outputs,
  ...depfiles,
  ...headers,
  ...surroundings,
  ...macros,
  ...diagnostics,
  ...code,
  ...sideFiles,
  ...languages,
  ...fortran,
  ...plugins,
  ...words,
  ...stays,
];
