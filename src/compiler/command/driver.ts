// Which compiler a command names, by the name it is called: gcc and clang read some options differently, and the C++ drivers
// read `.c` as C++. A name that is not known here says nothing of what its arguments mean.

export type Family = 'gcc' | 'clang';

export interface Driver {
  readonly family: Family;
  /** g++, c++, clang++: C sources are C++ to it. */
  readonly plusPlus: boolean;
}

// A target before the name (`x86_64-linux-gnu-g++`), a version behind it (`clang-14`, `gcc-12.2.0`).
const NAME =
  /^(?:[A-Za-z0-9_.]+-)*(gcc|g\+\+|cc|c\+\+|gfortran|f77|f95|clang|clang\+\+)(?:-\d+(?:\.\d+)*)?(?:-(?:posix|win32))?$/;

/** The driver that a compiler's path or name stands for; null when it is none that we know. `family` overrides the name's. */
export function recognizeDriver(compiler: string, family?: Family): Driver | null {
  const name = NAME.exec(compiler.slice(compiler.lastIndexOf('/') + 1))?.[1];
  if (name === undefined) return family === undefined ? null : { family, plusPlus: compiler.endsWith('++') };
  return { family: family ?? (name.startsWith('clang') ? 'clang' : 'gcc'), plusPlus: name.endsWith('++') };
}
