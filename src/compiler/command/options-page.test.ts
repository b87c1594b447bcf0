// docs/options.md is the option table in words for users: whoever changes the table writes the page anew with `vitest -u`.
import { expect, test } from 'vitest';
import type { OptionForm, Row, Section } from './option-types.ts';
import { SECTIONS } from './option-table.ts';
import { parseCommand } from './parse.ts';

const INTRO = `# Which options travel

Whether a compile can run on another machine is read off its command line. This page is the table that decides, family by family; the
codes of what stays are in [errors.md](errors.md). An option that is in no family here keeps the command on its own machine: nobody can
know what it reads and writes. \`tender status\` and the summary of \`tender build\` show how often that happened, and why.

A \`…\` stands for a value, in the same word or the next one. Words that the linker, the assembler or clang's inner compiler are to get
have a family of their own. Where a family names gcc or clang, the other compiler's option of that name stays.
`;

const OUTCOMES = { travels: 'travels', stays: 'stays', 'it depends': 'it depends' } as const;

function write(form: OptionForm, name: string): string {
  if (form === 'alone') return `\`${name}\``;
  if (form === 'separate') return `\`${name} …\``;
  return `\`${name}…\``;
}

function writeRow([form, names, , family]: Row): readonly string[] {
  return names.split(' ').map((name) => write(form, name) + (family === undefined ? '' : ` (${family})`));
}

const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');

function writeSection({ title, rows }: Section): string {
  return `### ${title}\n\n${[...new Set(rows.flatMap(writeRow))].join(' · ')}\n`;
}

function writePage(): string {
  const table = SECTIONS.map(
    ({ title, outcome, why }) => `| [${title}](#${anchor(title)}) | ${OUTCOMES[outcome]} | ${why} |`,
  );
  return [
    INTRO,
    '| Family | The command | Why, and which files go along |',
    '|---|---|---|',
    ...table,
    '',
    '## The options of each family',
    '',
    SECTIONS.map(writeSection).join('\n'),
  ].join('\n');
}

test('docs/options.md says what the table says', async () => {
  await expect(writePage()).toMatchFileSnapshot('../../../docs/options.md');
});

test.each(SECTIONS.map((section) => [section.title, section] as const))(
  '«%s» does what the page says',
  (_, section) => {
    const kinds = new Set(
      section.rows.map(([, , meaning]) =>
        meaning.is === 'stays' || (meaning.is === 'mode' && meaning.mode === 'other') ? 'stays' : 'travels',
      ),
    );
    if (section.outcome !== 'it depends') expect([...kinds]).toEqual([section.outcome]);
    if (section.outcome !== 'stays') return;
    for (const [form, names, , family = 'gcc'] of section.rows) {
      for (const name of names.split(' ')) {
        const words = form === 'alone' ? [name] : form === 'joined' ? [`${name}x`] : [name, 'x'];
        expect(parseCommand([family, '-c', 'a.c', ...words], CONTEXT)).toMatchObject({ travels: false });
      }
    }
  },
);

const CONTEXT = {
  cwd: '/w',
  env: new Map<string, string>(),
  readFile: () => null,
  stderrIsTerminal: false,
  isDirectory: () => false,
};

test('every option of a family that travels does so', () => {
  const held: string[] = [];
  for (const { outcome, rows } of SECTIONS) {
    if (outcome !== 'travels') continue;
    for (const [form, names, meaning, family = 'gcc'] of rows) {
      for (const name of names.split(' ')) {
        const value =
          meaning.is === 'setting' && meaning.name === 'save-temps' ? 'obj' : meaning.is === 'language' ? 'c' : 'x';
        const words = form === 'alone' ? [name] : form === 'joined' ? [name + value] : [name, value];
        // Some options mean something after -iprefix only.
        const verdict = parseCommand([family, '-c', '-iprefix', '/p/', ...words, 'a.c'], CONTEXT);
        if (!verdict.travels) held.push(`${words.join(' ')}: ${verdict.detail}`);
      }
    }
  }
  expect(held).toEqual([]);
});
