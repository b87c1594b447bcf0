// Plugins, made here with the compiler itself: what they print, read, write and change must come out as by the compiler alone,
// wherever they were loaded. What they do behind everybody's back is done here.
import { forClang, forGcc, type Case, type Row } from '../case.ts';

/** gcc's interface in plain C, so that a plugin takes no time to make. */
const interfaceOfGcc =
  '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nstruct argument { char *key, *value; };\n' +
  'struct names { char *base; const char *full; int argc; struct argument *argv; const char *version, *help; };\n' +
  'int plugin_is_GPL_compatible;\nint plugin_init(struct names *names, void *version) {\n' +
  '  for (int i = 0; i < names->argc; i++) fprintf(stderr, "%s: %s=%s\\n", names->base, names->argv[i].key, names->argv[i].value);\n';
const talks = `${interfaceOfGcc}  return 0;\n}\n`;
const reads =
  `${interfaceOfGcc}  FILE *file = fopen(names->argc > 0 ? names->argv[0].value : "rules.txt", "r");\n  char text[80];\n` +
  '  if (file == NULL || fgets(text, sizeof text, file) == NULL) { fprintf(stderr, "no rules\\n"); exit(3); }\n  fprintf(stderr, "rules: %s", text);\n  return 0;\n}\n';
const writes = `${interfaceOfGcc}  FILE *file = fopen("log.txt", "w");\n  if (file != NULL) fprintf(file, "was here\\n"), fclose(file);\n  return 0;\n}\n`;
const leans = `#include <stdio.h>\nint helped(void);\n${interfaceOfGcc.replace('int plugin_init', 'int helped(void);\nint plugin_init')}  fprintf(stderr, "helped: %d\\n", helped());\n  return 0;\n}\n`;
/** By gcc's own headers: it defines a macro for each unit. */
const defines =
  '#include "gcc-plugin.h"\n#include "plugin-version.h"\n#include "c-family/c-common.h"\n#include "c-family/c-pragma.h"\nint plugin_is_GPL_compatible;\n' +
  'static void start(void *, void *) { cpp_define(parse_in, "FROM_PLUGIN=42"); }\n' +
  'int plugin_init(plugin_name_args *info, plugin_gcc_version *version) {\n  if (!plugin_default_version_check(version, &gcc_version)) return 1;\n' +
  '  register_callback(info->base_name, PLUGIN_START_UNIT, start, NULL);\n  return 0;\n}\n';
const inClang =
  '#include <stdio.h>\nstruct info { unsigned api; const char *name, *version; void (*hook)(void *); };\n' +
  'static void hook(void *builder) { fprintf(stderr, "passes\\n"); }\n' +
  'struct info llvmGetPassPluginInfo(void) { struct info all = { 1, "p", "1", hook }; return all; }\n' +
  '__attribute__((constructor)) static void load(void) { fprintf(stderr, "loaded\\n"); }\n';

const source = { 'a.c': '#ifndef FROM_PLUGIN\n#define FROM_PLUGIN 1\n#endif\nint f(void) { return FROM_PLUGIN; }\n' };
const build = 'gcc -shared -fPIC p.c -o p.so';
const made = 'not-a-compile';
const here = 'output-not-written';

const gcc: readonly Row[] = [
  [
    'a plugin by a relative path',
    {
      files: { ...source, 'p.c': talks },
      run: { lines: [build, '$CC -fplugin=./p.so -c a.c'] },
      expect: [made, 'travels'],
    },
  ],
  [
    'a plugin by an absolute path, with arguments',
    {
      files: { ...source, 'p.c': talks },
      run: {
        lines: [build, '$CC -fplugin=$DIR/p.so -fplugin-arg-p-level=3 -fplugin-arg-p-quiet -O2 -g -c a.c -o out.o'],
      },
      expect: [made, 'travels'],
    },
  ],
  [
    'a plugin for C++, through a link',
    {
      files: { 'a.cc': 'int f() { return 3; }\n', 'p.c': talks, 'plugins/p.so': { link: '../p.so' } },
      run: { lines: [build, '$CXX -fplugin=plugins/p.so -fplugin-arg-p-x=y -c a.cc'] },
      expect: [made, 'travels'],
    },
  ],
  [
    'a plugin for Fortran',
    {
      files: { 'a.f90': 'module m\n  integer :: x\nend module\n', 'p.c': talks },
      run: { lines: [build, 'gfortran -fplugin=./p.so -fplugin-arg-p-x=y -c a.f90'] },
      needs: ['command -v gfortran'],
      expect: [made, 'travels'],
    },
  ],
  [
    'a plugin with a library of its own',
    {
      files: { ...source, 'p.c': leans, 'lib/help.c': 'int helped(void) { return 7; }\n' },
      run: {
        lines: [
          'gcc -shared -fPIC lib/help.c -o lib/libhelp.so',
          'gcc -shared -fPIC p.c -o p.so -Llib -lhelp -Wl,-rpath,$DIR/lib',
          '$CC -fplugin=./p.so -c a.c',
        ],
      },
      expect: [made, made, 'travels'],
    },
  ],
  [
    'a plugin that reads the file of its argument',
    {
      files: { ...source, 'p.c': reads, 'etc/own.txt': 'be kind\n' },
      run: { lines: [build, '$CC -fplugin=./p.so -fplugin-arg-p-rules=etc/own.txt -c a.c'] },
      expect: [made, 'travels'],
    },
  ],
  [
    'a plugin that needs a file which nobody names',
    {
      files: { ...source, 'p.c': reads, 'rules.txt': 'be kind\n' },
      run: { lines: [build, '$CC -fplugin=./p.so -c a.c'] },
      expect: [made, here],
    },
  ],
  [
    'a plugin that writes a file which nobody names',
    {
      files: { ...source, 'p.c': writes },
      run: { lines: [build, '$CC -fplugin=./p.so -c a.c'] },
      expect: [made, here],
    },
  ],
  [
    'an error in the source, with a plugin',
    {
      files: { 'a.c': 'int f(void) { return no; }\n', 'p.c': talks },
      run: { lines: [build, '$CC -fplugin=./p.so -c a.c'] },
      exit: [0, 1],
      expect: [made, here],
    },
  ],
  ['a plugin that is not there', { files: source, run: '$CC -fplugin=./gone.so -c a.c', exit: 1, expect: 'plugin' }],
  [
    'a plugin that the loader would look for',
    { files: source, run: '$CC -fplugin=gone.so -c a.c', exit: 1, expect: 'plugin' },
  ],
  ['a short name that is not there', { files: source, run: '$CC -fplugin=gone -c a.c', exit: 1, expect: 'plugin' }],
  [
    'a file that is no plugin',
    { files: { ...source, 'p.so': 'text\n' }, run: '$CC -fplugin=./p.so -c a.c', exit: 1, expect: 'plugin' },
  ],
  [
    "a short name among the compiler's own, which wants more",
    {
      files: source,
      run: '$CC -fplugin=libcc1plugin -c a.c',
      needs: ['test -e "$(gcc -print-file-name=plugin)/libcc1plugin.so"'],
      exit: 1,
      expect: here,
    },
  ],
  [
    'a plugin by the headers of gcc, which changes the object',
    {
      files: {
        ...source,
        'p.cc': defines,
        'make.sh': 'exec g++ -shared -fPIC -fno-rtti -I"$(gcc -print-file-name=plugin)/include" p.cc -o p.so\n',
      },
      run: { lines: ['sh make.sh', '$CC -fplugin=./p.so -O1 -S a.c', '$CC -fplugin=./p.so -MD -c a.c'] },
      needs: ['test -e "$(gcc -print-file-name=plugin)/include/gcc-plugin.h"'],
      expect: ['plain', 'travels', 'travels'],
    },
  ],
];

const clang: readonly Row[] = [
  [
    '-fplugin=',
    {
      files: { ...source, 'p.c': inClang },
      run: { lines: [build, '$CC -fplugin=./p.so -O2 -c a.c'] },
      expect: [made, 'travels'],
    },
  ],
  [
    '-fplugin= by an absolute path',
    {
      files: { ...source, 'p.c': inClang },
      run: { lines: [build, '$CC -g -fplugin=$DIR/p.so -c a.c'] },
      expect: [made, 'travels'],
    },
  ],
  [
    '-Xclang -load',
    {
      files: { ...source, 'p.c': inClang },
      run: { lines: [build, '$CC -Xclang -load -Xclang ./p.so -MD -c a.c'] },
      expect: [made, 'travels'],
    },
  ],
  [
    '-fpass-plugin=',
    {
      files: { ...source, 'p.c': inClang },
      run: { lines: [build, '$CC -fpass-plugin=./p.so -O1 -c a.c'] },
      expect: [made, 'travels'],
    },
  ],
  [
    '-add-plugin of a name that is not there',
    {
      files: { ...source, 'p.c': inClang },
      run: { lines: [build, '$CC -fplugin=./p.so -Xclang -add-plugin -Xclang gone -c a.c'] },
      exit: [0, 1],
      expect: [made, here],
    },
  ],
  ['a plugin that is not there', { files: source, run: '$CC -fplugin=./gone.so -c a.c', exit: 1, expect: 'plugin' }],
  [
    '-plugin, which takes the place of the compile',
    {
      files: { ...source, 'p.c': inClang },
      run: { lines: [build, '$CC -fplugin=./p.so -Xclang -plugin -Xclang gone -c a.c'] },
      exit: [0, 1],
      expect: [made, 'unknown-option'],
    },
  ],
];

const named = ([title, spec]: Row): Row => [`plugins: ${title}`, spec];

export const plugins: readonly Case[] = [...forGcc(gcc.map(named)), ...forClang(clang.map(named))];
