// Options that make a compile write or read more than sources, headers, object and dependency file; every such file travels.
import type { Section } from './option-types.ts';
import { set, travels, turn } from './option-types.ts';

export const FILE_SECTIONS: readonly Section[] = [
  {
    title: 'Files beside the object',
    outcome: 'travels',
    why: 'They come back with the object: `.dwo`, `.gcno`, `.su`, `.ci`.',
    rows: [
      ['alone', '-gsplit-dwarf', turn('gsplit-dwarf')],
      ['alone', '-gno-split-dwarf', turn('gsplit-dwarf', false)],
      ['alone', '-gsplit-dwarf=single', turn('gsplit-dwarf', false), 'clang'],
      ['alone', '-gsplit-dwarf=split', turn('gsplit-dwarf'), 'clang'],
      ['alone', '--coverage -coverage', turn('coverage')],
      ['alone', '-ftest-coverage', turn('ftest-coverage')],
      ['alone', '-fno-test-coverage', turn('ftest-coverage', false)],
      ['joined', '-fprofile-note=', set('notes-file'), 'gcc'],
      ['alone', '-fstack-usage', turn('fstack-usage')],
      ['alone', '-fcallgraph-info', turn('fcallgraph-info'), 'gcc'],
      ['joined', '-fcallgraph-info=', turn('fcallgraph-info'), 'gcc'],
    ],
  },
  {
    title: 'Intermediate files',
    outcome: 'travels',
    why: 'The preprocessed source, the assembly and the bitcode come back, under the names that the compiler gives them.',
    rows: [
      ['alone', '-save-temps --save-temps', set('save-temps', '')],
      ['joined', '-save-temps=', set('save-temps')],
      ['joined', '--save-temps=', set('save-temps'), 'clang'],
    ],
  },
  {
    title: 'Reports',
    outcome: 'it depends',
    why:
      'A report with a name that is given or certain comes back. One that is added to a file that is already there stays, ' +
      'since only here its beginning is known.',
    rows: [
      ['alone', '-fsave-optimization-record', set('record-format', 'yaml')],
      ['joined', '-fsave-optimization-record=', set('record-format'), 'clang'],
      ['alone', '-fno-save-optimization-record', set('record-format', null)],
      ['joined', '-foptimization-record-file=', set('record-file'), 'clang'],
      ['joined', '-foptimization-record-passes=', turn('record-passes'), 'clang'],
      ['alone', '-ftime-trace', turn('time-trace'), 'clang'],
      ['joined', '-ftime-trace=', { is: 'writes' }, 'clang'],
      ['joined', '-ftime-trace-granularity=', travels, 'clang'],
      ['separate', '--serialize-diagnostics -serialize-diagnostics', { is: 'writes' }, 'clang'],
      ['separate', '-aux-info', { is: 'writes' }, 'gcc'],
      ['joined', '-aux-info=', { is: 'writes' }, 'gcc'],
      ['alone', '-fopt-info', travels, 'gcc'],
      ['joined', '-fopt-info-', { is: 'dump', bare: 'travels' }, 'gcc'],
      ['joined', '-fdump-tree- -fdump-ipa- -fdump-rtl- -fdump-lang-', { is: 'dump', bare: 'stays' }, 'gcc'],
      ['joined', '-fdump-final-insns= -fdump-go-spec=', { is: 'writes' }, 'gcc'],
      ['alone', '-fdump-noaddr -fdump-unnumbered -fdump-unnumbered-links', travels, 'gcc'],
    ],
  },
  {
    title: 'Profiles',
    outcome: 'travels',
    why:
      'Instrumented code writes its profile when it runs, not now. A profile that is used goes along; where gcc goes on ' +
      'without one, so does the other machine.',
    rows: [
      ['alone', '-fprofile-arcs -fno-profile-arcs -fprofile-generate -fprofile-abs-path -fprofile-values', travels],
      ['alone', '-fprofile-correction -fprofile-reorder-functions -fprofile-partial-training', travels],
      ['joined', '-fprofile-update= -fprofile-reproducible= -fprofile-filter-files= -fprofile-exclude-files=', travels],
      ['joined', '-fprofile-prefix-map=', travels],
      ['joined', '-fprofile-prefix-path=', set('profile-prefix'), 'gcc'],
      ['joined', '-fprofile-generate= -fprofile-dir=', set('profile-dir'), 'gcc'],
      ['joined', '-fprofile-use=', { is: 'setting', name: 'profile-dir', also: 'profile-use' }, 'gcc'],
      [
        'joined',
        '-fprofile-generate= -fprofile-dir= -fcs-profile-generate= -fprofile-instr-generate=',
        travels,
        'clang',
      ],
      ['alone', '-fprofile-instr-generate -fcs-profile-generate', travels, 'clang'],
      ['alone', '-fno-profile-generate -fno-profile-instr-generate', travels],
      ['alone', '-fprofile-use -fbranch-probabilities', turn('profile-use'), 'gcc'],
      ['alone', '-fprofile-use -fprofile-instr-use', set('profile-file', ''), 'clang'],
      ['joined', '-fprofile-use= -fprofile-instr-use=', set('profile-file'), 'clang'],
      ['alone', '-fno-profile-use', turn('profile-use', false), 'gcc'],
      ['alone', '-fno-profile-use -fno-profile-instr-use', set('profile-file', null), 'clang'],
      ['alone', '-fauto-profile', turn('auto-profile'), 'gcc'],
      ['joined', '-fauto-profile=', { is: 'reads' }, 'gcc'],
      [
        'joined',
        '-fauto-profile= -fprofile-sample-use= -fprofile-list= -fprofile-remapping-file=',
        { is: 'reads' },
        'clang',
      ],
      ['alone', '-fno-auto-profile -fno-profile-sample-use', travels, 'clang'],
    ],
  },
  {
    title: 'Plugins',
    outcome: 'it depends',
    why:
      'A plugin that is found goes along with the libraries that it loads, and with the files that its arguments name. ' +
      'What fails with a plugin elsewhere, or writes a file that no option names where the compile may write, is done here ' +
      'again; no such result is kept. Not noticed: a plugin that goes on without a word where a file of this machine is ' +
      'missing, or a directory may not be written to. Name such files in its arguments, or set `TENDER_DISABLE=1`.',
    rows: [
      ['joined', '-fplugin=', { is: 'plugin' }],
      ['joined', '-fpass-plugin=', { is: 'plugin' }, 'clang'],
      ['joined', '-fplugin-arg-', { is: 'plugin-word' }],
    ],
  },
  {
    title: 'Lists that the compiler reads',
    outcome: 'travels',
    why: "The list goes along, and so do the compiler's own lists for `-fsanitize=`.",
    rows: [
      [
        'joined',
        '-fsanitize-ignorelist= -fsanitize-blacklist= -fsanitize-coverage-allowlist=',
        { is: 'reads' },
        'clang',
      ],
      ['joined', '-fsanitize-coverage-ignorelist= -fsanitize-coverage-whitelist=', { is: 'reads' }, 'clang'],
      ['joined', '-fsanitize-coverage-blacklist= -fsanitize-system-ignorelist=', { is: 'reads' }, 'clang'],
      ['joined', '-fxray-always-instrument= -fxray-never-instrument= -fxray-attr-list=', { is: 'reads' }, 'clang'],
      ['joined', '-frandomize-layout-seed-file=', { is: 'reads' }, 'clang'],
    ],
  },
];
